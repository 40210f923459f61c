#include "harness/report/variance_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "harness/stats/variance.hpp"
#include "harness/store/table_rows.hpp"

namespace recollect {
namespace {

/// (seed of the data, seed of the first weights) -> row of the table.
using Design = std::map<std::pair<std::int64_t, std::int64_t>, std::size_t>;

std::vector<std::size_t> headline_rows(const CsvTable& cells) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < cells.rows.size(); ++row) {
    const auto text = [&](std::string_view column) { return cells.rows[row][cells.index(column)]; };
    if (text("weights") == "best" && text("split") == "test" &&
        text("eval_length") == text("train_length")) {
      rows.push_back(row);
    }
  }
  return rows;
}

/// Groups of rows that differ in their seeds alone.
std::vector<std::vector<std::size_t>> designs_of(const CsvTable& cells) {
  std::vector<std::string> key = {"experiment", "label", "examples"};
  for (const std::string& name : cells.header) {
    if (starts_with_any(name, {"task_", "model_", "train_"}) && name != "train_order_seed") {
      key.push_back(name);
    }
  }
  return group_by(cells, headline_rows(cells), key);
}

bool is_crossed(const CsvTable& cells, const std::vector<std::size_t>& rows) {
  std::map<std::string, std::set<std::string>> data_seeds;  // by seed
  std::set<std::string> all;
  for (const std::size_t row : rows) {
    const std::string& data_seed = cells.rows[row][cells.index("data_seed")];
    data_seeds[cells.rows[row][cells.index("seed")]].insert(data_seed);
    all.insert(data_seed);
  }
  const bool any_twice = std::any_of(data_seeds.begin(), data_seeds.end(),
                                     [](const auto& seed) { return seed.second.size() > 1; });
  return any_twice && data_seeds.size() > 1 && all.size() > 1;
}

/// The seeds of both kinds that are left once those with the most gaps were taken away, one after
/// another, until there is no gap.
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> complete_part(
    const Design& design) {
  std::set<std::int64_t> data, weights;
  for (const auto& [seeds, row] : design) {
    data.insert(seeds.first);
    weights.insert(seeds.second);
  }
  while (true) {
    std::map<std::int64_t, std::size_t> data_gaps, weights_gaps;
    for (const std::int64_t d : data) {
      for (const std::int64_t w : weights) {
        if (design.contains({d, w})) continue;
        ++data_gaps[d];
        ++weights_gaps[w];
      }
    }
    if (data_gaps.empty()) {
      return {{data.begin(), data.end()}, {weights.begin(), weights.end()}};
    }
    const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto worst_data = std::max_element(data_gaps.begin(), data_gaps.end(), fewer);
    const auto worst_weights = std::max_element(weights_gaps.begin(), weights_gaps.end(), fewer);
    // Shares of a whole column and a whole row.
    if (worst_data->second * data.size() >= worst_weights->second * weights.size()) {
      data.erase(worst_data->first);
    } else {
      weights.erase(worst_weights->first);
    }
  }
}

std::string share_text(const VarianceComponent& component) {
  return fmt::format("{:.0f} %", 100.0 * component.share);
}

std::string interval_text(const VarianceComponent& component) {
  return fmt::format("{:.0f}..{:.0f}", 100.0 * component.interval.low,
                     100.0 * component.interval.high);
}

}  // namespace

std::vector<TextTable> readable_variance(const CsvTable& cells) {
  std::vector<TextTable> all;
  for (const auto& rows : designs_of(cells)) {
    if (!is_crossed(cells, rows)) continue;
    const auto text = [&](std::size_t row, std::string_view column) {
      return cells.rows[row][cells.index(column)];
    };
    Design design;
    std::set<std::string> orders;
    for (const std::size_t row : rows) {
      design[{to_integer(text(row, "data_seed")), to_integer(text(row, "seed"))}] = row;
      orders.insert(text(row, "train_order_seed"));
    }
    const auto [data, weights] = complete_part(design);

    TextTable& table = all.emplace_back();
    table.title = fmt::format("{}: what the spread of {} comes from",
                              text(rows.front(), "experiment"), text(rows.front(), "label"));
    table.caption = fmt::format(
        "{} seeds of the data x {} of the first weights{}, one run each. Shares of the variance "
        "between runs, by two-way random effects, with 95 % intervals from resampled seeds; the "
        "rest is the interaction of both. `accuracy` in per cent: best weights on test examples.",
        data.size(), weights.size(),
        orders.size() > 1 ? " and the order of the batches"
                          : "; all see batches in the same order");
    table.header = {"measure", "mean", "data", "95 %", "first weights", "95 %", "rest", "95 %"};
    const std::size_t left_out = rows.size() - data.size() * weights.size();
    if (left_out > 0) {
      table.notes.push_back(
          fmt::format("{} left out, as {} seeds were not crossed with all others.",
                      left_out == 1 ? "1 run is" : fmt::format("{} runs are", left_out),
                      left_out == 1 ? "its" : "their"));
    }

    struct Measure {
      const char* name;
      int digits;
      std::function<double(std::size_t row)> value;
    };
    const auto is_solved = [&](std::size_t row) { return !text(row, "solved_step").empty(); };
    const Measure measures[] = {
        {"accuracy", 1, [&](std::size_t row) { return 100.0 * to_real(text(row, "accuracy")); }},
        {"solved, 0 or 1", 2, [&](std::size_t row) { return is_solved(row) ? 1.0 : 0.0; }},
        {"step to 0.99", 0,
         [&](std::size_t row) {
           return to_real(text(row, is_solved(row) ? "solved_step" : "steps"));
         }},
    };
    for (const Measure& measure : measures) {
      CrossedValues values{data.size(), weights.size(), {}};
      for (const std::int64_t d : data) {
        for (const std::int64_t w : weights) {
          values.values.push_back(measure.value(design.at({d, w})));
        }
      }
      std::vector<std::string>& line = table.rows.emplace_back();
      line.emplace_back(measure.name);
      line.push_back(values.values.empty()
                         ? "-"
                         : fmt::format("{:.{}f}", mean(values.values), measure.digits));
      const std::optional<VarianceSplit> split = split_variance(values);
      if (!split) {  // no spread at all, or too few seeds
        line.insert(line.end(), 6, "-");
        continue;
      }
      for (const VarianceComponent* part : {&split->rows, &split->columns, &split->rest}) {
        line.push_back(share_text(*part));
        line.push_back(interval_text(*part));
      }
    }
    const bool censored =
        std::any_of(rows.begin(), rows.end(), [&](std::size_t row) { return !is_solved(row); });
    if (censored) {
      table.notes.emplace_back("A run that was not solved counts as its last step.");
    }
  }
  return all;
}

}  // namespace recollect
