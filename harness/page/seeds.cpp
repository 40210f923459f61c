#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"
#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/order.hpp"

namespace recollect::page {
namespace {

/// The learning curve as a line of 60 x 16 px.
std::string sparkline(const std::vector<HistoryRow>& history) {
  if (history.size() < 2 || history.back().step <= 0) return "";
  std::vector<plot::Point> line;
  for (const HistoryRow& row : history) {
    line.push_back(
        {2.0 + 60.0 * static_cast<double>(row.step) / static_cast<double>(history.back().step),
         18.0 - 16.0 * row.validation_accuracy});
  }
  return fmt::format("<path class=\"seed\" d=\"{}\"/>", line_path(line, 0.6));
}

std::string seed_html(const GroupResult& group, std::size_t seed, const Context& context) {
  const std::string& cell = group.cells[seed];
  const plot::Histories& histories = context.input.material.histories;
  const auto history = histories.find(cell);
  std::string svg;
  if (history != histories.end()) {
    svg = fmt::format("<svg viewBox=\"0 0 64 20\" aria-hidden=\"true\">{}</svg>",
                      sparkline(history->second));
  }
  const double accuracy = group.accuracy.values[seed];
  return fmt::format(
      "<li data-c=\"{}\">{}<span><a href=\"#{}\">seed {}</a> {}<br><span class=\"small\">{}</span>"
      "</span></li>\n",
      context.number_of(cell), svg, context.anchor_of(cell), group.seeds[seed],
      std::isfinite(accuracy) ? plot::percent(accuracy, 1) : "no number",
      plot::solved(group, seed)
          ? fmt::format("solved at {}", with_commas(group.solve_steps[seed].step))
      : training_is_known(group) ? "not solved"
                                 : "another program's model");
}

}  // namespace

std::string seeds_one_by_one(const plot::Study& study, const Context& context) {
  std::string html = fmt::format(
      "<h3 id=\"{}\">Seed by seed</h3>\n<p class=\"lead\">Accuracy on "
      "test examples, and the learning curve.</p>\n",
      context.anchor_of(study, "seeds"));
  for (const plot::StudySection& section : study.sections) {
    for (const plot::StudyRow& row : section.rows) {
      const GroupResult& group = *row.trained;
      const std::string says =
          training_is_known(group)
              ? fmt::format("{} of {} solved", group.solved(), plural(group.runs(), "seed"))
              : plural(group.runs(), "seed");
      html += fmt::format(
          "<details class=\"one\" data-v=\"{}\"><summary>{}{}{} <span class=\"small\">{}"
          "</span></summary>\n<ol class=\"seeds\">\n",
          context.number_of(row.named), context.name_html(row.named, row.name),
          section.title.empty() ? "" : ", ", escaped(section.title), says);
      for (const std::size_t seed : plot::by_accuracy(group)) {
        html += seed_html(group, seed, context);
      }
      html += "</ol></details>\n";
    }
  }
  return html;
}

}  // namespace recollect::page
