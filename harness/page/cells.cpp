#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "base/text.hpp"
#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/numbers.hpp"

namespace recollect::page {
namespace {

constexpr std::size_t kFewCells = 40;  // as many are shown at once

/// All rows of one cell.
struct OneCell {
  const CellResult* any = nullptr;
  const CellResult* score = nullptr;  ///< of the best weights on test examples, as trained
  std::set<std::string> experiments;
};

std::int64_t distance(const CellResult& row) {
  return std::abs(row.score->key.eval_length - row.train_length);
}

std::vector<OneCell> cells_of(const std::vector<CellResult>& rows, const Context& context) {
  std::vector<OneCell> cells;
  for (const CellResult& row : rows) {
    const std::size_t number = context.number_of(row.cell);
    if (cells.size() <= number) cells.resize(number + 1);
    OneCell& cell = cells[number];
    if (cell.any == nullptr) cell.any = &row;
    cell.experiments.insert(row.experiment);
    const bool wanted = row.score && row.score->key.weights == Weights::kBest &&
                        row.score->key.split == Split::kTest;
    if (wanted && (cell.score == nullptr || distance(row) < distance(*cell.score))) {
      cell.score = &row;
    }
  }
  return cells;
}

/// The settings in which these cells differ, seeds aside.
std::set<std::string> varying(const std::vector<const OneCell*>& cells) {
  std::map<std::string, std::set<std::string>> values;
  std::map<std::string, std::size_t> having;
  for (const OneCell* cell : cells) {
    for (const Setting& setting : cell->any->settings) {
      values[setting.name].insert(setting.value.text);
      ++having[setting.name];
    }
  }
  std::set<std::string> names;
  for (const auto& [name, texts] : values) {
    const bool differs = texts.size() > 1 || having[name] < cells.size();
    if (differs && !name.ends_with("seed")) names.insert(name);
  }
  return names;
}

/// What tells the cells of an experiment apart. Of all experiments of a page together nearly every
/// setting varies: named in every row, they would hide those that matter.
class VaryingSettings {
 public:
  explicit VaryingSettings(const std::vector<OneCell>& cells) {
    std::vector<const std::vector<Setting>*> all;
    std::map<std::string, std::vector<const OneCell*>> members;
    for (const OneCell& cell : cells) {
      all.push_back(&cell.any->settings);
      for (const std::string& experiment : cell.experiments) members[experiment].push_back(&cell);
    }
    in_order_ = setting_names(all);
    for (const auto& [experiment, its_cells] : members) {
      of_experiment_[experiment] = varying(its_cells);
    }
  }

  /// Those that vary in one of the cell's experiments, in the order of the tables.
  std::vector<std::string> of(const OneCell& cell) const {
    std::vector<std::string> names;
    for (const std::string& name : in_order_) {
      const bool wanted = std::any_of(
          cell.experiments.begin(), cell.experiments.end(),
          [&](const std::string& one) { return of_experiment_.at(one).contains(name); });
      if (wanted) names.push_back(name);
    }
    return names;
  }

 private:
  std::vector<std::string> in_order_;
  std::map<std::string, std::set<std::string>> of_experiment_;
};

std::string plain(std::string name) {
  const std::size_t prefix = name.find('_');
  if (prefix != std::string::npos) name = name.substr(prefix + 1);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string settings_text(const OneCell& cell, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const std::string& value = setting_of(cell.any->settings, name).text;
    if (value.empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", plain(name), value);
  }
  return text;
}

std::string joined(const std::set<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string row_html(const OneCell& cell, const std::vector<std::string>& names,
                     const Context& context) {
  const CellResult& any = *cell.any;
  const plot::Named label{any.variant, any.label};
  const std::string& anchor = context.anchor_of(any.cell);
  std::string status = name_of(any.status.ending);
  if (!any.status.reason.empty()) status += ": " + any.status.reason;
  const bool has_score = cell.score != nullptr && std::isfinite(cell.score->score->accuracy);
  const double accuracy = has_score ? cell.score->score->accuracy : 0.0;
  std::string html = fmt::format(
      "<tr id=\"{0}\" data-v=\"{1}\"><td><a href=\"#{0}\"><code>{2}</code></a></td><td>{3}</td>"
      "<td class=\"n\">{4}</td><td class=\"wrap\">{5}</td><td class=\"settings\">{6}</td>",
      anchor, context.number_of(label), escaped(printable(any.cell, 24)),
      context.name_html(label, any.label), any.seed, escaped(joined(cell.experiments)),
      escaped(settings_text(cell, names)));
  html += has_score ? fmt::format("<td class=\"n\" data-k=\"{0:.6f}\">{1:.1f}</td>", accuracy,
                                  100.0 * accuracy)
                    : "<td class=\"n\" data-k=\"\">–</td>";
  html += any.status.solved_step
              ? fmt::format("<td class=\"n\" data-k=\"{}\">{}</td>", *any.status.solved_step,
                            with_commas(*any.status.solved_step))
              : "<td class=\"n\" data-k=\"\">–</td>";
  return html +
         fmt::format("<td class=\"n\" data-k=\"{}\">{}</td><td class=\"wrap\">{}</td></tr>\n",
                     any.status.steps, with_commas(any.status.steps),
                     escaped(printable(status, 200)));
}

}  // namespace

std::string all_cells(const Context& context) {
  const std::vector<OneCell> cells = cells_of(context.input.material.results.cells, context);
  const VaryingSettings varying_settings(cells);
  std::string html = fmt::format(
      "<section id=\"cells\"><h2>Every cell</h2>\n<p class=\"lead\">A cell is one training run. "
      "Accuracy: best weights on test examples, at the length nearest to the trained one. Its "
      "hash is the name of its folder and stands in every table. Settings: those in which the "
      "cells of its experiment differ.</p>\n<details{}><summary>{}</summary>\n<div "
      "class=\"search\" data-of=\"cell-table\"></div>\n<div class=\"box\" "
      "tabindex=\"0\" role=\"region\" aria-label=\"Table of cells\"><table class=\"cells "
      "sortable\" "
      "id=\"cell-table\">\n<thead><tr>",
      cells.size() <= kFewCells ? " open" : "", plural(cells.size(), "cell"));
  for (const char* head : {"cell", "variant", "seed", "experiment", "settings that vary",
                           "accuracy %", "solved at", "steps", "status"}) {
    html += fmt::format("<th scope=\"col\">{}</th>", head);
  }
  html += "</tr></thead>\n<tbody>";
  for (const OneCell& cell : cells) html += row_html(cell, varying_settings.of(cell), context);
  return html + "</tbody></table></div></details></section>\n";
}

}  // namespace recollect::page
