#include "harness/results/selected_values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/results/size_order.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

using Values = std::vector<std::string>;  // of the keys, in their order
using Rows = std::vector<const CellResult*>;

/// "train.learning_rate" as a column.
std::string column_of(const std::string& key) {
  std::string column = key;
  std::replace(column.begin(), column.end(), '.', '_');
  return column;
}

struct SmallerValues {
  bool operator()(const Values& a, const Values& b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), in_size_order);
  }
};

bool by_loss(const CellResult& cell) {
  return setting_of(cell.settings, "train_metric").text == "loss";
}

/// The cells of one value: what selects, by seed, and those that have none.
struct Candidate {
  Rows rows;
  std::map<std::int64_t, std::vector<double>> scores;
  std::set<std::int64_t> failed;
};

/// All values of one variant and setting.
class Contest {
 public:
  /// @param setting  texts of the columns that name the contest
  Contest(const SelectRequest& request, const CellResult& first, Values setting)
      : request_(request),
        name_(fmt::format("{}, {}", first.experiment, first.label)),
        label_(first.label),
        setting_(std::move(setting)) {}

  void add(const Values& values, const CellResult& cell) {
    Candidate& candidate = candidates_[values];
    candidate.rows.push_back(&cell);
    if (!cell.score) {
      candidate.failed.insert(cell.seed);
      return;
    }
    const ScoreKey& key = cell.score->key;
    const Split wanted = request_.by_test ? Split::kTest : Split::kValidation;
    if (key.weights != Weights::kBest || key.split != wanted) return;
    if (key.settings.empty() && key.eval_length != cell.train_length) return;
    loss_ = by_loss(cell);
    candidate.scores[cell.seed].push_back(loss_ ? cell.score->loss : cell.score->accuracy);
  }

  struct Result {
    std::vector<CellResult> cells;
    ChosenValue value;
  };

  [[nodiscard]] Result result() const {
    const auto of = static_cast<std::int64_t>(candidates_.size());
    const bool any = std::any_of(candidates_.begin(), candidates_.end(),
                                 [](const auto& each) { return !each.second.scores.empty(); });
    Result result{{}, {"none", of, false, request_.by_test, failed_text()}};
    const auto take = [&](const Candidate& candidate) {
      for (const CellResult* row : candidate.rows) result.cells.push_back(*row);
    };
    if (any) {
      const Values& best = chosen();
      result.value.text = text_of(best);
      result.value.edge = is_edge(best);
      take(candidates_.at(best));
    } else {
      for (const auto& [values, candidate] : candidates_) take(candidate);
    }
    return result;
  }

  [[nodiscard]] const std::string& label() const noexcept { return label_; }
  [[nodiscard]] const Values& setting() const noexcept { return setting_; }

 private:
  /// Seeds that every value has, but for those that have none.
  [[nodiscard]] std::set<std::int64_t> common_seeds() const {
    std::optional<std::set<std::int64_t>> common;
    for (const auto& [values, candidate] : candidates_) {
      if (candidate.scores.empty()) continue;
      std::set<std::int64_t> seeds;
      for (const auto& [seed, scores] : candidate.scores) {
        if (!common || common->contains(seed)) seeds.insert(seed);
      }
      common = std::move(seeds);
    }
    return common.value_or(std::set<std::int64_t>());
  }

  [[nodiscard]] const Values& chosen() const {
    const std::set<std::int64_t> seeds = common_seeds();
    if (seeds.empty()) {
      throw FieldError("--select", fmt::format("{}: the values of {} have no seed with scores in "
                                               "common; run the same seeds of each",
                                               name_, fmt::join(request_.keys, ", ")));
    }
    const Values* best = nullptr;
    double best_score = 0.0;
    for (const auto& [values, candidate] : candidates_) {  // the smallest first
      if (candidate.scores.empty()) continue;
      std::vector<double> scores;
      for (const std::int64_t seed : seeds) scores.push_back(mean(candidate.scores.at(seed)));
      const double score = mean(scores);
      if (best == nullptr || (loss_ ? score < best_score : score > best_score)) {
        best = &values;
        best_score = score;
      }
    }
    return *best;
  }

  [[nodiscard]] std::string text_of(const Values& values) const {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", request_.keys[i], values[i]);
    }
    return text;
  }

  /// Whether a better value may lie beyond those that were tried.
  [[nodiscard]] bool is_edge(const Values& best) const {
    for (std::size_t i = 0; i < best.size(); ++i) {
      bool below = false, above = false;
      for (const auto& [values, candidate] : candidates_) {
        below = below || in_size_order(values[i], best[i]);
        above = above || in_size_order(best[i], values[i]);
      }
      if (!below || !above) return true;
    }
    return false;
  }

  [[nodiscard]] std::string failed_text() const {
    std::vector<std::string> parts;
    for (const auto& [values, candidate] : candidates_) {
      if (candidate.failed.empty()) continue;
      parts.push_back(fmt::format("{} seed {}", text_of(values), fmt::join(candidate.failed, " ")));
    }
    return fmt::format("{}", fmt::join(parts, "; "));
  }

  const SelectRequest& request_;
  std::string name_;
  std::string label_;
  Values setting_;
  bool loss_ = false;
  std::map<Values, Candidate, SmallerValues> candidates_;
};

void expect_known(const std::vector<CellResult>& cells, const SelectRequest& request) {
  const std::vector<std::string> names = setting_names(cells);
  for (const std::string& key : request.keys) {
    const std::string column = column_of(key);
    if (std::find(names.begin(), names.end(), column) != names.end()) continue;
    const std::string near = nearest_name(column, names);
    throw FieldError("--select",
                     fmt::format("{}: no cell has this option{}", key,
                                 near.empty() ? "; write it in full, e.g. train.learning_rate"
                                              : fmt::format("; did you mean {}.{}?",
                                                            near.substr(0, near.find('_')),
                                                            near.substr(near.find('_') + 1))));
  }
}

/// The contests among cells, in the order in which they appear.
class Contests {
 public:
  Contests(std::vector<CellResult> cells, const SelectRequest& request) : cells_(std::move(cells)) {
    expect_known(cells_, request);
    name_following_seeds(cells_);
    std::vector<std::string> selected;
    for (const std::string& key : request.keys) selected.push_back(column_of(key));
    std::vector<std::string> others;
    for (const std::string& name : setting_names(cells_)) {
      if (std::find(selected.begin(), selected.end(), name) == selected.end()) {
        others.push_back(name);
      }
    }
    columns_.insert(columns_.end(), others.begin(), others.end());
    std::map<Values, std::size_t> places;
    for (const CellResult& cell : cells_) {
      Values setting = {cell.experiment, cell.task, cell.variant, cell.label};
      for (const std::string& name : others) {
        setting.push_back(recollect::setting_of(cell.settings, name).text);
      }
      Values values;
      for (const std::string& column : selected) {
        values.push_back(recollect::setting_of(cell.settings, column).text);
      }
      const auto [place, added] = places.emplace(setting, all_.size());
      if (added) all_.emplace_back(request, cell, std::move(setting));
      all_[place->second].add(values, cell);
    }
  }

  [[nodiscard]] const std::vector<Contest>& all() const noexcept { return all_; }

  /// "task_pairs 8", in what a contest differs from others of its label.
  [[nodiscard]] std::string setting_of(const Contest& contest) const {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool varies = std::any_of(all_.begin(), all_.end(), [&](const Contest& other) {
        return other.label() == contest.label() && other.setting()[i] != contest.setting()[i];
      });
      if (!varies) continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", columns_[i], contest.setting()[i]);
    }
    return text;
  }

 private:
  std::vector<CellResult> cells_;
  std::vector<std::string> columns_ = {"experiment", "task", "variant", "label"};
  std::vector<Contest> all_;
};

}  // namespace

SelectRequest parse_select(std::string_view text) {
  SelectRequest request;
  constexpr std::string_view kByTest = "@test";
  if (text.ends_with(kByTest)) {
    request.by_test = true;
    text.remove_suffix(kByTest.size());
  }
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string key(text.substr(0, comma));
    if (key.find('.') == std::string::npos || key.find('@') != std::string::npos) {
      throw FieldError("--select", fmt::format("{} is no option in full; write e.g. "
                                               "train.learning_rate, or train.learning_rate@test",
                                               printable(key)));
    }
    request.keys.push_back(key);
    if (comma == std::string_view::npos) return request;
    text.remove_prefix(comma + 1);
  }
}

std::vector<GroupResult> select_groups(const std::vector<CellResult>& cells,
                                       const SelectRequest& request) {
  std::vector<GroupResult> groups;
  const Contests contests(cells, request);
  for (const Contest& contest : contests.all()) {
    Contest::Result result = contest.result();
    for (GroupResult& group : group_cells(std::move(result.cells))) {
      group.chosen = result.value;
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

std::vector<SelectedValue> keep_selected(std::vector<CellResult>& cells,
                                         const SelectRequest& request) {
  std::vector<SelectedValue> values;
  std::vector<CellResult> kept;
  const Contests contests(cells, request);
  for (const Contest& contest : contests.all()) {
    Contest::Result result = contest.result();
    values.push_back({contest.label(), contests.setting_of(contest), std::move(result.value)});
    for (CellResult& cell : result.cells) kept.push_back(std::move(cell));
  }
  for (CellResult& cell : kept) {
    for (const std::string& key : request.keys) {
      std::erase_if(cell.settings,
                    [&](const Setting& setting) { return setting.name == column_of(key); });
    }
  }
  cells = std::move(kept);
  return values;
}

}  // namespace recollect
