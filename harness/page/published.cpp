#include "harness/results/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/differences.hpp"
#include "harness/plot/dots.hpp"

namespace recollect::page {
namespace {

using plot::Difference;
using plot::px;

double place(double share) { return 85.0 + 0.78 * std::clamp(share * 100.0, -104.0, 104.0); }

std::string signed_points(double share) {
  const double points = share * 100.0;
  return fmt::format("{}{:.1f}", points < -0.05 ? "−" : points > 0.05 ? "+" : "", std::abs(points));
}

std::string says(const Difference& difference) {
  if (!difference.value) return "not known";
  std::string text = signed_points(*difference.value) + " points";
  if (difference.interval) {
    text += fmt::format(", 95 % from {} to {}", signed_points(difference.interval->low),
                        signed_points(difference.interval->high));
  }
  return text;
}

std::string difference_svg(const Difference& difference, const plot::VariantStyle& style,
                           bool differs) {
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 170 22\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>"
      "<path class=\"grid\" d=\"M7,0v22M46,0v22M124,0v22M163,0v22\"/>"
      "<path class=\"ref\" d=\"M85,0v22\"/>",
      escaped(says(difference)));
  if (difference.interval) {
    svg +=
        fmt::format("<path class=\"{}\" d=\"M{},11H{}\"/>", difference.decides ? "median" : "seed",
                    px(place(difference.interval->low)), px(place(difference.interval->high)));
  }
  if (difference.value) {
    svg += fmt::format("<path class=\"dot{}\" d=\"{}\"/>",
                       differs && difference.decides ? "" : " open",
                       plot::dot_path(style.marker, difference.decides ? 4.2 : 2.6,
                                      {place(*difference.value), 11.0}));
  }
  return svg + "</svg>";
}

std::string axis_head(const char* title) {
  return fmt::format(
      "<th scope=\"col\">{}<svg viewBox=\"0 0 170 14\" width=\"170\" height=\"14\" "
      "aria-hidden=\"true\"><text x=\"0\" y=\"11\">−100</text><text class=\"mid\" x=\"85\" "
      "y=\"11\">0</text><text x=\"170\" y=\"11\" style=\"text-anchor:end\">+100</text></svg></th>",
      title);
}

std::string row_html(const PublishedComparison& row, const Context& context) {
  const plot::Named label{row.ours.variant, row.ours.label};
  const plot::VariantStyle& style = context.input.material.styles.of(label);
  const bool differs = row.verdict == PublishedVerdict::kDiffers;
  const std::string verdict = escaped(name_of(row.verdict));
  return fmt::format(
      "<tr data-v=\"{}\"><th scope=\"row\">{}</th><td class=\"where\">{} at {}, {}</td>"
      "<td data-l=\"mean accuracy\">{}</td><td data-l=\"seeds solved\">{}</td><td>{}</td></tr>\n",
      context.number_of(label), context.name_html(label, row.ours.label),
      escaped(row.task_settings), row.figure.eval_length, escaped(row.ours.experiment),
      difference_svg(plot::means_of(row), style, differs),
      difference_svg(plot::shares_of(row), style, differs),
      differs ? "<b>" + verdict + "</b>" : verdict);
}

/// Why figures are not compared, and how many for each reason.
std::string not_compared(const std::vector<PublishedComparison>& rows) {
  std::map<std::string, std::size_t> reasons;
  for (const PublishedComparison& row : rows) {
    if (row.verdict == PublishedVerdict::kNotComparable) ++reasons[row.why];
  }
  if (reasons.empty()) return "";
  std::size_t count = 0;
  std::string list;
  for (const auto& [why, times] : reasons) {
    count += times;
    list += fmt::format("<li>{} ({})</li>\n", escaped(why.empty() ? "not said" : why), times);
  }
  return fmt::format(
      "<details><summary>{} more are not comparable, and why</summary><ul class=\"small\">\n{}"
      "</ul></details>\n",
      count, list);
}

}  // namespace

std::string beside_published(const Context& context) {
  const std::vector<PublishedComparison>& rows = context.input.published;
  if (rows.empty()) return "";
  std::string html =
      "<section id=\"published\"><h2>Beside published figures</h2>\n<p class=\"lead\">Ours less "
      "published, in points, with 95 % intervals. Large: what decides the verdict; filled: it "
      "differs.</p>\n";
  const std::vector<const PublishedComparison*> compared = plot::by_source(rows);
  if (!compared.empty()) {
    html +=
        "<table class=\"forest\">\n<thead><tr><th scope=\"col\">variant</th><th scope=\"col\">"
        "setting, experiment</th>" +
        axis_head("mean accuracy") + axis_head("seeds solved") +
        "<th scope=\"col\">verdict</th></tr></thead>\n";
    const std::string* source = nullptr;
    for (const PublishedComparison* row : compared) {
      if (source == nullptr || *source != row->figure.source) {
        if (source != nullptr) html += "</tbody>\n";
        source = &row->figure.source;
        html += fmt::format(
            "<tbody><tr class=\"head\"><th colspan=\"5\" scope=\"rowgroup\">{}</th></tr>\n",
            escaped(*source));
      }
      html += row_html(*row, context);
    }
    html += "</tbody></table>\n";
  }
  return html +
         "<p class=\"caption\">Best weights on validation examples, as published. Intervals: Welch "
         "of means, Newcombe of shares; verdicts are corrected after Holm within an "
         "experiment.</p>\n" +
         not_compared(rows) + "</section>\n";
}

}  // namespace recollect::page
