#include "harness/results/variance_result.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

using Rows = std::vector<const CellResult*>;

/// (seed of the data, seed of the initial weights) -> cell.
using Design = std::map<std::pair<std::int64_t, std::int64_t>, const CellResult*>;

std::int64_t data_seed_of(const CellResult& row) { return row.data_seed.value_or(row.seed); }

Rows headline_rows(const std::vector<CellResult>& cells) {
  Rows rows;
  for (const CellResult& row : cells) {
    if (row.score && row.score->key.weights == Weights::kBest &&
        row.score->key.split == Split::kTest && row.score->key.eval_length == row.train_length) {
      rows.push_back(&row);
    }
  }
  return rows;
}

/// Groups of rows that differ in their seeds alone.
std::vector<Rows> designs_of(const std::vector<CellResult>& cells) {
  std::vector<std::string> names = setting_names(cells);
  std::erase(names, "train_order_seed");
  return group_rows(headline_rows(cells), [&](const CellResult& row) {
    std::vector<std::string> key = {row.experiment, row.label};
    for (const std::string& name : names) key.push_back(setting_of(row.settings, name).text);
    return std::tuple(std::move(key), row.score->key.examples, row.train_length,
                      row.score->key.settings);
  });
}

bool is_crossed(const Rows& rows) {
  std::map<std::int64_t, std::set<std::int64_t>> data_seeds;  // by seed
  std::set<std::int64_t> all;
  for (const CellResult* row : rows) {
    data_seeds[row->seed].insert(data_seed_of(*row));
    all.insert(data_seed_of(*row));
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

struct Measured {
  const char* name;
  int digits;
  std::function<double(const CellResult&)> value;
};

const std::vector<Measured>& measures() {
  static const std::vector<Measured> all = {
      {"accuracy", 1, [](const CellResult& row) { return 100.0 * row.score->accuracy; }},
      {"solved, 0 or 1", 2,
       [](const CellResult& row) { return row.status.solved_step ? 1.0 : 0.0; }},
      {"step to 0.99", 0, [](const CellResult& row) {
         return static_cast<double>(row.status.solved_step.value_or(row.status.steps));
       }}};
  return all;
}

VarianceResult split_rows(const Rows& rows) {
  Design design;
  std::set<std::string> orders;
  for (const CellResult* row : rows) {
    design[{data_seed_of(*row), row->seed}] = row;
    orders.insert(setting_of(row->settings, "train_order_seed").text);
  }
  const auto [data, weights] = complete_part(design);
  VarianceResult result;
  result.experiment = rows.front()->experiment;
  result.label = rows.front()->label;
  result.data_seeds = data.size();
  result.weight_seeds = weights.size();
  result.orders_differ = orders.size() > 1;
  result.left_out = rows.size() - data.size() * weights.size();
  result.censored = std::any_of(rows.begin(), rows.end(),
                                [](const CellResult* row) { return !row->status.solved_step; });
  for (const Measured& measure : measures()) {
    CrossedValues values{data.size(), weights.size(), {}};
    for (const std::int64_t d : data) {
      for (const std::int64_t w : weights) {
        values.values.push_back(measure.value(*design.at({d, w})));
      }
    }
    VarianceMeasure& found = result.measures.emplace_back();
    found.name = measure.name;
    found.digits = measure.digits;
    if (!values.values.empty()) found.mean = mean(values.values);
    found.split = split_variance(values);
  }
  return result;
}

}  // namespace

std::vector<VarianceResult> split_cells(const std::vector<CellResult>& cells) {
  std::vector<VarianceResult> results;
  for (const Rows& rows : designs_of(cells)) {
    if (is_crossed(rows)) results.push_back(split_rows(rows));
  }
  return results;
}

}  // namespace recollect
