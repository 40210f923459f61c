#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/dots.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/order.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/seed_parts.hpp"

namespace recollect::page {
namespace {

using plot::px;
using plot::StudyRow;

constexpr double kStripWidth = 304.0;
constexpr double kRadius = 3.0;  // of dots that have room
constexpr double kMostApart = 5.0;

double place(double accuracy) { return 8.0 + 2.78 * accuracy * 100.0; }

double strip_height(const plot::Study& study) {
  std::size_t most = 1;
  for (const plot::StudySection& section : study.sections) {
    for (const StudyRow& row : section.rows) {
      most = std::max(most, row.trained->accuracy.values.size());
    }
  }
  if (study.rows() > 40) return 30.0;
  return most > 12 ? 68.0 : most > 6 ? 52.0 : 36.0;
}

std::string grid(double height, const GroupResult& group) {
  std::string path;
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    path += fmt::format("M{},0v{:g}", px(place(tick)), height);
  }
  std::string svg = fmt::format("<path class=\"grid\" d=\"{}\"/>", path);
  if (group.chance) {
    svg += fmt::format("<path class=\"ref\" stroke-dasharray=\"3,3\" d=\"M{},0v{:g}\"/>",
                       px(place(*group.chance)), height);
  }
  return svg;
}

std::string seed_text(const GroupResult& group, std::size_t seed) {
  std::string text =
      fmt::format("seed {}: {}", group.seeds[seed], plot::percent(group.accuracy.values[seed], 1));
  if (plot::solved(group, seed)) {
    text += fmt::format(", solved at {}", with_commas(group.solve_steps[seed].step));
  }
  return text;
}

/// "17 of 20 seeds solved; accuracies from 3 % to 100 %"
std::string strip_label(const StudyRow& row) {
  const GroupResult& group = *row.trained;
  std::string text = fmt::format("{}: {}", row.name, plot::solved_in_words(group));
  if (group.accuracy.summary && std::isfinite(group.accuracy.summary->min)) {
    text += fmt::format("; accuracies from {} to {}", plot::percent(group.accuracy.summary->min, 1),
                        plot::percent(group.accuracy.summary->max, 1));
  }
  return text;
}

std::string strip(const StudyRow& row, double height, const Context& context) {
  const GroupResult& group = *row.trained;
  std::string svg =
      fmt::format("<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">{}", kStripWidth,
                  height, escaped(strip_label(row)), grid(height, group));
  const std::vector<std::size_t> order = plot::by_accuracy(group);
  const auto count = static_cast<double>(order.size());
  const double apart = std::min(kMostApart, (height - 2 * kRadius - 4.0) / count);
  // So small that hollow ones stay hollow where they overlap.
  const double radius = std::clamp(0.75 * apart, 1.7, kRadius);
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t seed = order[rank];
    const double accuracy = group.accuracy.values[seed];
    if (!std::isfinite(accuracy)) continue;
    const double up = (static_cast<double>(rank) - (count - 1.0) / 2.0) * apart;
    svg += fmt::format(
        "<circle class=\"dot{}\" data-c=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{:.2g}\">"
        "<title>{}</title></circle>",
        plot::solved(group, seed) ? "" : " open", context.number_of(group.cells[seed]),
        px(place(accuracy)), px(height / 2.0 - up), radius, escaped(seed_text(group, seed)));
  }
  return svg + "</svg>";
}

std::string strip_head() {
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:g} 16\" aria-hidden=\"true\">", kStripWidth);
  for (const int tick : {0, 25, 50, 75, 100}) {
    svg += fmt::format("<text class=\"mid\" x=\"{}\" y=\"12\">{}</text>", px(place(tick / 100.0)),
                       tick == 100 ? "100 %" : std::to_string(tick));
  }
  return svg + "</svg>";
}

struct Cell {
  std::string text;
  std::string key;
};

/// The median; of two groups of seeds both, of few seeds their range.
Cell accuracy_cell(const GroupResult& group) {
  const auto& summary = group.accuracy.summary;
  if (!summary || !std::isfinite(summary->median)) return {"–", ""};
  const std::string key = csv_text(summary->median);
  if (group.clusters) {
    return {fmt::format("{:.1f} / {:.1f}", 100.0 * group.clusters->lower_mean,
                        100.0 * group.clusters->upper_mean),
            key};
  }
  if (group.seeds.size() == 1 || group.seeds.size() >= plot::kFewSeeds) {
    return {fmt::format("{:.1f}", 100.0 * summary->median), key};
  }
  return {fmt::format("{:.1f}–{:.1f}", 100.0 * summary->min, 100.0 * summary->max), key};
}

/// None has 0; a table may lack the column.
Cell count_cell(std::int64_t count) {
  if (count == 0) return {"–", ""};
  return {with_commas(count), std::to_string(count)};
}

std::string number_cell(const char* label, const Cell& cell) {
  return fmt::format("<td class=\"n\" data-l=\"{}\" data-k=\"{}\">{}</td>", label,
                     escaped(cell.key), escaped(cell.text));
}

std::string solved_cell(const GroupResult& group) {
  if (!training_is_known(group)) return "<td class=\"n count\" data-k=\"\">–</td>";
  const double share = group.runs() > 0
                           ? static_cast<double>(group.solved()) / static_cast<double>(group.runs())
                           : 0.0;
  return fmt::format(
      "<td class=\"n count\" data-k=\"{:.4f}\"><b>{}</b><span class=\"small\">/{}</span></td>",
      share, group.solved(), group.runs());
}

std::string row_html(const StudyRow& row, double height, const Context& context) {
  const GroupResult& group = *row.trained;
  std::string says = row.style->says;
  const auto add = [&says](std::int64_t cells, const char* how) {
    if (cells > 0) says += fmt::format("{}{} {}", says.empty() ? "" : "; ", cells, how);
  };
  add(group.diverged, "diverged");
  add(group.failed - group.diverged, "failed");
  std::string html = fmt::format(
      "<tr data-v=\"{}\"><th scope=\"row\">{}<span class=\"says\">{}</span></th>"
      "<td class=\"strip\">{}</td>",
      context.number_of(row.named), context.name_html(row.named, row.name), escaped(says),
      strip(row, height, context));
  html += solved_cell(group);
  const auto interval = group.solved_interval();
  html += number_cell(
      "95 % interval",
      interval ? Cell{plot::percent_range(*interval), csv_text(interval->low)} : Cell{"–", ""});
  // One that half have not reached comes after all that were.
  html += number_cell("median step",
                      training_is_known(group) && group.step_limit > 0.0
                          ? Cell{plot::step_or_later(group.solve_step_median, group.step_limit),
                                 csv_text(group.solve_step_median.value_or(group.step_limit + 1e9))}
                          : Cell{"–", ""});
  html += number_cell("accuracy %", accuracy_cell(group));
  html += number_cell("state", count_cell(group.state_floats));
  html += number_cell("parameters", count_cell(group.parameters));
  return html + "</tr>\n";
}

}  // namespace

std::string hero_table(const plot::Study& study, const Context& context) {
  std::string html = fmt::format(
      "<p class=\"lead\">{}. A dot is a seed, sorted within its row; filled: solved, that is {} "
      "on validation examples at some check.</p>\n<table class=\"hero sortable\" id=\"{}\" "
      "aria-label=\"Results by variant\">\n"
      "<thead><tr><th scope=\"col\">variant</th><th scope=\"col\" data-fixed class=\"strip\">"
      "<span class=\"small\">accuracy of each seed</span>{}</th>",
      escaped(study.setting), plot::threshold(study.solve_at), context.anchor_of(study, "table"),
      strip_head());
  for (const char* head : {"solved", "95 %", "median step", "accuracy %", "state", "parameters"}) {
    html += fmt::format("<th scope=\"col\" class=\"n\">{}</th>", head);
  }
  html += "</tr></thead>\n";
  const double height = strip_height(study);
  bool clusters = false;
  bool few = false;
  for (const plot::StudySection& section : study.sections) {
    html += "<tbody>";
    if (!section.title.empty()) {
      html += fmt::format("<tr class=\"head\"><th colspan=\"8\" scope=\"rowgroup\">{}</th></tr>\n",
                          escaped(section.title));
    }
    for (const StudyRow* row : plot::by_success(section)) {
      html += row_html(*row, height, context);
      const GroupResult& group = *row->trained;
      clusters = clusters || group.clusters.has_value();
      few = few || (group.seeds.size() > 1 && group.seeds.size() < plot::kFewSeeds);
    }
    html += "</tbody>\n";
  }
  return html +
         fmt::format(
             "</table>\n<p class=\"caption\">Best weights, {}. {}. Dashed: chance. 95 %: Wilson's "
             "interval of the share solved. Median step: Kaplan–Meier over all seeds; “&gt;” where "
             "half have not solved it. Accuracy: of the median seed{}{}. State: numbers that one "
             "sequence's memory holds. {}.{}</p>\n",
             escaped(study.examples_text()), escaped(study.seeds_text()),
             clusters ? ", or the means of two groups into which the seeds fall" : "",
             few ? ", or the range of fewer than five" : "", escaped(study.origin()),
             csv_link_html(to_csv(plot::draw_seeds(study).figure->data), "seeds"));
}

}  // namespace recollect::page
