#include "harness/compare/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/store/table_rows.hpp"

namespace recollect {
namespace {

// A difference that is the tolerance but for rounding is not beyond it.
constexpr double kRounding = 1e-9;

/// A row of one side.
struct Row {
  const Side* side = nullptr;
  std::size_t index = 0;

  [[nodiscard]] std::string text(std::string_view column) const {
    const auto found = side->cells.find(column);
    return found ? side->cells.rows[index][*found] : "";
  }
  [[nodiscard]] double number(std::string_view column) const {
    try {
      return to_real(text(column));
    } catch (const IoError& error) {
      throw_in_cell(side->name, index + 1, std::string(column), error);
    }
  }
};

/// weights, split, eval_length, examples, unseen_levels.
using Score = std::tuple<std::string, std::string, std::string, std::string, std::string>;

Score score_of(const Row& row) {
  return {row.text("weights"), row.text("split"), row.text("eval_length"), row.text("examples"),
          row.text("unseen_levels")};
}

std::string score_text(const Score& score) {
  return fmt::format("{}, {}, length {}", std::get<0>(score), std::get<1>(score),
                     std::get<2>(score));
}

/// One cell of one side: its rows by score, none where it diverged or failed.
struct SeedCell {
  Row any;
  std::map<Score, Row> scores;
  [[nodiscard]] std::string status() const { return any.text("status"); }
};

/// Seeds in the order of their numbers.
struct BySeed {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::tuple(a.size(), a) < std::tuple(b.size(), b);
  }
};

/// The cells of one side that differ in their seeds alone.
struct Setting {
  std::vector<std::string> values;  ///< of the columns of settings
  std::map<std::string, SeedCell, BySeed> seeds;
};

bool is_setting(const std::string& column) {
  return column == "task" || column == "variant" || column == "label" || column == "data_seed" ||
         (starts_with_any(column, {"task_", "model_", "train_"}) && column != "train_length");
}

/// Whether the cells of a side have more than one value in this column.
bool varies(const Side& side, const std::string& column) {
  std::set<std::string> values;
  for (std::size_t i = 0; i < side.cells.rows.size(); ++i) {
    values.insert(Row{&side, i}.text(column));
  }
  return values.size() > 1;
}

/// Columns of settings of both sides, in their order. How the first layer is computed is no setting
/// of the experiment, unless a side has it both ways.
std::vector<std::string> setting_columns(const Side& base, const Side& now) {
  const std::string computed = "model_first_layer";
  const bool both_ways = varies(base, computed) || varies(now, computed);
  std::vector<std::string> columns;
  for (const Side* side : {&base, &now}) {
    for (const std::string& column : side->cells.header) {
      if (!is_setting(column) || (column == computed && !both_ways)) continue;
      if (std::find(columns.begin(), columns.end(), column) == columns.end())
        columns.push_back(column);
    }
  }
  return columns;
}

/// The settings of a side in the order of its rows. `side` is `original` with data_seed and
/// order_seed that follow the cell's seed named so.
std::vector<Setting> settings_of(const Side& side, const Side& original,
                                 const std::vector<std::string>& columns) {
  std::vector<Setting> settings;
  std::map<std::vector<std::string>, std::size_t> known;
  for (std::size_t i = 0; i < side.cells.rows.size(); ++i) {
    const Row named{&side, i};
    const Row row{&original, i};
    std::vector<std::string> values;
    for (const std::string& column : columns) values.push_back(named.text(column));
    const auto [found, added] = known.emplace(values, settings.size());
    if (added) settings.push_back({std::move(values), {}});
    SeedCell& cell = settings[found->second].seeds[row.text("seed")];
    if (cell.any.side == nullptr) cell.any = row;
    // Two experiments may share a cell, whose rows are then the same.
    const auto twice = [&](const Row& other) {
      for (const char* column : {"status", "accuracy", "exact_match", "loss", "solved_step"}) {
        if (row.text(column) != other.text(column)) return false;
      }
      return true;
    };
    const bool scored = !row.text("weights").empty();
    const auto [place, first] =
        scored ? cell.scores.emplace(score_of(row), row) : std::pair(cell.scores.end(), true);
    if (!first && !twice(place->second)) {
      throw IoError(fmt::format("{}: rows {} and {} are of the same cell and score, but differ",
                                original.name, place->second.index + 1, i + 1));
    }
  }
  return settings;
}

/// A setting of BASE and the one of NEW with the same values.
struct Match {
  const Setting* base = nullptr;
  const Setting* now = nullptr;
};

/// The value of a metric for the seeds that have one on both sides.
struct Pairs {
  std::vector<std::string> seeds;
  std::vector<double> base;
  std::vector<double> now;
  std::int64_t lost = 0;    ///< seeds for which NEW alone has no finite value
  std::int64_t gained = 0;  ///< the same of BASE
  std::vector<double> differences() const {
    std::vector<double> all;
    for (std::size_t i = 0; i < now.size(); ++i) all.push_back(now[i] - base[i]);
    return all;
  }
  void add(const std::string& seed, double before, double after) {
    if (!std::isfinite(before) && !std::isfinite(after)) return;
    if (!std::isfinite(after)) {
      ++lost;
    } else if (!std::isfinite(before)) {
      ++gained;
    } else {
      seeds.push_back(seed);
      base.push_back(before);
      now.push_back(after);
    }
  }
};

/// How many test examples are answered by one side alone. An example is counted once: where the
/// seeds share it, by the side on which more of them answer it.
struct Examples {
  bool known = false;
  std::int64_t all = 0;
  std::int64_t worse = 0;
  std::int64_t better = 0;
};

/// A metric of a group on its way to a verdict.
struct Pending {
  MetricResult result;
  Pairs pairs;
  Examples examples;
};

struct PendingGroup {
  std::string name;
  std::string score;
  std::vector<Pending> metrics;
};

bool larger_is_better(Metric metric) {
  return metric != Metric::kLoss && metric != Metric::kSolvedStep;
}

Examples count_examples(const std::vector<std::pair<Row, Row>>& rows) {
  Examples count;
  std::map<std::pair<std::string, std::size_t>, int> net;
  for (const auto& [base, now] : rows) {
    const auto& before = base.side->exact[base.index];
    const auto& after = now.side->exact[now.index];
    if (!before || !after || before->size() != after->size()) return {};
    for (std::size_t i = 0; i < before->size(); ++i) {
      net[{base.text("data_seed"), i}] += int{(*after)[i]} - int{(*before)[i]};
    }
  }
  count.known = !net.empty();
  count.all = static_cast<std::int64_t>(net.size());
  for (const auto& [example, sum] : net) {
    count.worse += sum < 0 ? 1 : 0;
    count.better += sum > 0 ? 1 : 0;
  }
  return count;
}

class Comparer {
 public:
  Comparer(const Side& base, const Side& now, const CompareRules& rules)
      : base_(base), now_(now), named_base_(base), named_now_(now), rules_(rules) {
    name_following_seeds(named_base_.cells);
    name_following_seeds(named_now_.cells);
    columns_ = setting_columns(named_base_, named_now_);
    base_settings_ = settings_of(named_base_, base_, columns_);
    now_settings_ = settings_of(named_now_, now_, columns_);
  }

  Comparison run() {
    find_other_versions();
    for (const Match& match : matches()) compare_setting(match);
    judge();
    return std::move(comparison_);
  }

 private:
  [[nodiscard]] std::string value(const Setting& setting, std::string_view column) const {
    const auto at = std::find(columns_.begin(), columns_.end(), column);
    return setting.values[static_cast<std::size_t>(at - columns_.begin())];
  }

  /// Task and label, and those settings in which the settings of one side with the same task and
  /// label differ.
  [[nodiscard]] std::string name(const Setting& setting,
                                 const std::vector<Setting>& settings) const {
    std::string text = value(setting, "task");
    text += ", ";
    text += value(setting, "label");
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool varies = std::any_of(settings.begin(), settings.end(), [&](const Setting& other) {
        return value(other, "task") == value(setting, "task") &&
               value(other, "label") == value(setting, "label") &&
               other.values[i] != setting.values[i];
      });
      if (varies) text += fmt::format(", {} {}", columns_[i], setting.values[i]);
    }
    return printable(text, kWhole);
  }

  void obstacle(std::string where, std::string key, std::string base, std::string now) {
    comparison_.obstacles.push_back(
        {std::move(where), std::move(key), std::move(base), std::move(now)});
  }

  void find_other_versions() {
    const auto versions = [](const Side& side) {
      const std::string column = "numerics_version";
      return side.cells.find(column) ? distinct(side.cells, all_rows(side.cells), column, ", ")
                                     : std::string();
    };
    if (versions(base_) != versions(now_)) {
      obstacle("all cells", "numerics_version", versions(base_), versions(now_));
    }
  }

  /// Settings that are the same on both sides; the others are obstacles.
  std::vector<Match> matches() {
    std::vector<Match> found;
    std::vector<const Setting*> left_base, left_now;
    std::map<std::vector<std::string>, const Setting*> now;
    for (const Setting& setting : now_settings_) now[setting.values] = &setting;
    for (const Setting& setting : base_settings_) {
      const auto same = now.find(setting.values);
      if (same == now.end()) {
        left_base.push_back(&setting);
      } else {
        found.push_back({&setting, same->second});
        now.erase(same);
      }
    }
    for (const Setting& setting : now_settings_) {
      if (now.contains(setting.values)) left_now.push_back(&setting);
    }
    for (const Setting* setting : left_base) {
      const auto nearest = nearest_of(*setting, left_now);
      const std::string where = name(*setting, base_settings_);
      if (nearest == left_now.end()) {
        obstacle(where, "group", "present", "missing");
        continue;
      }
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (setting->values[i] != (*nearest)->values[i]) {
          obstacle(where, columns_[i], setting->values[i], (*nearest)->values[i]);
        }
      }
      left_now.erase(nearest);
    }
    for (const Setting* setting : left_now) {
      obstacle(name(*setting, now_settings_), "group", "missing", "present");
    }
    return found;
  }

  /// The one with the same task and label that differs in the fewest settings.
  std::vector<const Setting*>::const_iterator nearest_of(
      const Setting& setting, const std::vector<const Setting*>& among) const {
    auto nearest = among.end();
    std::size_t fewest = columns_.size() + 1;
    for (auto other = among.begin(); other != among.end(); ++other) {
      if (value(**other, "task") != value(setting, "task") ||
          value(**other, "label") != value(setting, "label")) {
        continue;
      }
      std::size_t different = 0;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        different += (*other)->values[i] != setting.values[i] ? 1 : 0;
      }
      if (different < fewest) {
        fewest = different;
        nearest = other;
      }
    }
    return nearest;
  }

  /// Facts that settings and data decide alone. The first seed that differs is told.
  void check_facts(const std::string& where, const std::string& seed, const Row& base,
                   const Row& now, std::initializer_list<const char*> columns,
                   std::set<std::string>& told) {
    for (const char* column : columns) {
      if (base.text(column) == now.text(column) || !told.insert(column).second) continue;
      obstacle(where, fmt::format("{} of seed {}", column, seed), base.text(column),
               now.text(column));
    }
  }

  void compare_setting(const Match& match) {
    const std::string where = name(*match.base, base_settings_);
    const auto seeds_text = [](const Setting& setting) {
      std::vector<std::string> seeds;
      for (const auto& [seed, cell] : setting.seeds) seeds.push_back(seed);
      return fmt::format("{}", fmt::join(seeds, " "));
    };
    if (seeds_text(*match.base) != seeds_text(*match.now)) {
      obstacle(where, "seeds", seeds_text(*match.base), seeds_text(*match.now));
    }
    std::vector<std::string> seeds;  // that have ended on both sides
    std::set<std::string> told;
    for (const auto& [seed, base] : match.base->seeds) {
      const auto other = match.now->seeds.find(seed);
      if (other == match.now->seeds.end()) continue;
      const SeedCell& now = other->second;
      if (base.status() == "failed" || now.status() == "failed") {
        obstacle(where, fmt::format("status of seed {}", seed), base.status(), now.status());
        continue;
      }
      if (base.status() == "finished" && now.status() == "finished") {
        check_facts(where, seed, base.any, now.any,
                    {"parameters", "state_floats", "state_floats_peak"}, told);
      }
      seeds.push_back(seed);
    }
    if (!seeds.empty()) compare_training(match, where, seeds);
    compare_scores(match, where, seeds);
  }

  void compare_training(const Match& match, const std::string& where,
                        const std::vector<std::string>& seeds) {
    Pairs solved, steps;
    for (const std::string& seed : seeds) {
      const Row& base = match.base->seeds.at(seed).any;
      const Row& now = match.now->seeds.at(seed).any;
      const bool before = !base.text("solved_step").empty();
      const bool after = !now.text("solved_step").empty();
      solved.add(seed, before ? 1.0 : 0.0, after ? 1.0 : 0.0);
      if (before && after) steps.add(seed, base.number("solved_step"), now.number("solved_step"));
    }
    PendingGroup& group = pending_.emplace_back(PendingGroup{where, "training", {}});
    add_metric(group, Metric::kSolved, std::move(solved));
    if (!steps.seeds.empty()) add_metric(group, Metric::kSolvedStep, std::move(steps));
  }

  void compare_scores(const Match& match, const std::string& where,
                      const std::vector<std::string>& seeds) {
    std::set<Score> base_scores, now_scores;
    for (const std::string& seed : seeds) {
      for (const auto& [score, row] : match.base->seeds.at(seed).scores) base_scores.insert(score);
      for (const auto& [score, row] : match.now->seeds.at(seed).scores) now_scores.insert(score);
    }
    std::set<Score> left_now = now_scores;
    for (const Score& score : base_scores) {
      if (left_now.erase(score) > 0) compare_score(match, where, score, seeds);
    }
    for (const Score& score : base_scores) {
      if (now_scores.contains(score)) continue;
      const auto other = std::find_if(left_now.begin(), left_now.end(), [&](const Score& s) {
        return score_text(s) == score_text(score);
      });
      const std::string at = fmt::format("{}, {}", where, score_text(score));
      if (other == left_now.end()) {
        // A side on which every seed diverged has no scores, and training says so.
        if (!now_scores.empty()) obstacle(at, "score", "present", "missing");
        continue;
      }
      if (std::get<3>(score) != std::get<3>(*other)) {
        obstacle(at, "examples", std::get<3>(score), std::get<3>(*other));
      }
      if (std::get<4>(score) != std::get<4>(*other)) {
        obstacle(at, "unseen_levels", std::get<4>(score), std::get<4>(*other));
      }
      left_now.erase(other);
    }
    for (const Score& score : left_now) {
      if (!base_scores.empty()) {
        obstacle(fmt::format("{}, {}", where, score_text(score)), "score", "missing", "present");
      }
    }
  }

  void compare_score(const Match& match, const std::string& where, const Score& score,
                     const std::vector<std::string>& seeds) {
    PendingGroup group{where, score_text(score), {}};
    const std::string at = fmt::format("{}, {}", where, group.score);
    std::map<Metric, Pairs> pairs;
    std::vector<std::pair<Row, Row>> rows;
    std::set<std::string> told;
    const std::pair<Metric, const char*> columns[] = {{Metric::kAccuracy, "accuracy"},
                                                      {Metric::kExactMatch, "exact_match"},
                                                      {Metric::kLoss, "loss"}};
    for (const std::string& seed : seeds) {
      const SeedCell& base = match.base->seeds.at(seed);
      const SeedCell& now = match.now->seeds.at(seed);
      const auto before = base.scores.find(score);
      const auto after = now.scores.find(score);
      const bool has_base = before != base.scores.end();
      const bool has_now = after != now.scores.end();
      if (has_base && has_now) {
        check_facts(at, seed, before->second, after->second,
                    {"scored", "chance", "ceiling_first", "ceiling_recent", "unseen_level",
                     "foreign_selection"},
                    told);
        for (const auto& [metric, column] : columns) {
          pairs[metric].add(seed, before->second.number(column), after->second.number(column));
        }
        rows.emplace_back(before->second, after->second);
      } else if (base.status() == "finished" && now.status() == "finished") {
        obstacle(at, fmt::format("score of seed {}", seed), has_base ? "present" : "missing",
                 has_now ? "present" : "missing");
      } else if (has_base != has_now) {  // one side diverged
        for (const auto& [metric, column] : columns)
          ++(has_base ? pairs[metric].lost : pairs[metric].gained);
      }
    }
    const Examples examples = count_examples(rows);
    for (const auto& [metric, column] : columns) {
      add_metric(group, metric, std::move(pairs[metric]),
                 metric == Metric::kExactMatch ? examples : Examples{});
    }
    pending_.push_back(std::move(group));
  }

  void add_metric(PendingGroup& group, Metric metric, Pairs pairs, const Examples& examples = {}) {
    Pending pending{{}, std::move(pairs), examples};
    MetricResult& result = pending.result;
    result.metric = metric;
    result.tolerance = rules_.tolerance(metric);
    result.seeds = static_cast<std::int64_t>(pending.pairs.seeds.size());
    if (result.seeds > 0) {
      const std::vector<double> differences = pending.pairs.differences();
      result.base = mean(pending.pairs.base);
      result.now = mean(pending.pairs.now);
      result.difference = mean(differences);
      if (result.seeds > 1) result.p_seeds = sign_flip_test(differences);
      result.p_t = paired_t_test(differences);
      result.detectable = detectable_difference(differences, rules_.alpha);
    }
    if (examples.known) {
      result.examples_worse = examples.worse;
      result.examples_better = examples.better;
      result.p_examples = sign_test(examples.worse, examples.better);
      if (!result.detectable) {
        result.detectable =
            detectable_share(examples.worse + examples.better, examples.all, rules_.alpha);
      }
    }
    group.metrics.push_back(std::move(pending));
  }

  /// Chooses the test of each metric and group, corrects, and decides.
  void judge() {
    for (const Metric metric : kMetrics) {
      std::vector<Pending*> group;
      for (PendingGroup& pending : pending_) {
        for (Pending& each : pending.metrics) {
          if (each.result.metric == metric) group.push_back(&each);
        }
      }
      // Whether a test can decide depends on the number of seeds, examples and groups alone, never
      // on the values.
      const auto tests = static_cast<double>(group.size());
      const auto can_decide = [&](std::int64_t pairs) {
        return smallest_p(pairs) * tests <= rules_.alpha;
      };
      std::vector<double> p;
      std::vector<Pending*> tested;
      for (Pending* each : group) {
        if (can_decide(each->result.seeds)) {
          p.push_back(*each->result.p_seeds);
        } else if (each->examples.known && can_decide(each->examples.all)) {
          p.push_back(*each->result.p_examples);
        } else {
          continue;
        }
        tested.push_back(each);
      }
      const std::vector<double> corrected = holm(p);
      for (std::size_t i = 0; i < tested.size(); ++i) tested[i]->result.p_holm = corrected[i];
      for (Pending* each : group) decide(*each, tests);
    }
    for (PendingGroup& pending : pending_) {
      GroupResult group{pending.name, pending.score, {}, Verdict::kSame};
      for (Pending& each : pending.metrics) {
        group.verdict = std::max(group.verdict, each.result.verdict);
        group.metrics.push_back(std::move(each.result));
      }
      comparison_.groups.push_back(std::move(group));
    }
  }

  void decide(Pending& pending, double tests) const {
    MetricResult& result = pending.result;
    if (!result.tolerance) return;
    if (pending.pairs.lost > 0) {
      result.verdict = Verdict::kWorse;
      result.why =
          fmt::format("{} without a value in NEW alone", plural(pending.pairs.lost, "seed"));
      return;
    }
    const double better = larger_is_better(result.metric) ? result.difference : -result.difference;
    if (std::abs(better) <= *result.tolerance + kRounding) {
      if (pending.pairs.gained > 0) {
        result.verdict = Verdict::kBetter;
        result.why =
            fmt::format("{} without a value in BASE alone", plural(pending.pairs.gained, "seed"));
      }
      return;
    }
    if (result.p_holm && *result.p_holm > rules_.alpha) {
      result.verdict = Verdict::kUnclear;
      result.why = "beyond the tolerance, but not significant";
      return;
    }
    result.verdict = better < 0.0 ? Verdict::kWorse : Verdict::kBetter;
    if (result.p_holm) {
      result.why = "beyond the tolerance, and significant";
    } else {
      std::int64_t needed = result.seeds;
      while (smallest_p(needed) * tests > rules_.alpha) ++needed;
      result.why = fmt::format(
          "beyond the tolerance; with {} no test can decide among {} ({} seeds could)",
          plural(result.seeds, "seed"), plural(static_cast<std::int64_t>(tests), "group"), needed);
    }
  }

  const Side& base_;
  const Side& now_;
  Side named_base_;
  Side named_now_;
  const CompareRules& rules_;
  std::vector<std::string> columns_;
  std::vector<Setting> base_settings_;
  std::vector<Setting> now_settings_;
  std::vector<PendingGroup> pending_;
  Comparison comparison_;
};

}  // namespace

std::string_view name_of(Metric metric) {
  switch (metric) {
    case Metric::kAccuracy:
      return "accuracy";
    case Metric::kExactMatch:
      return "exact_match";
    case Metric::kLoss:
      return "loss";
    case Metric::kSolved:
      return "solved";
    case Metric::kSolvedStep:
      return "solved_step";
  }
  return {};
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSame:
      return "same";
    case Verdict::kUnclear:
      return "unclear";
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
  }
  return {};
}

bool Comparison::worse() const {
  return std::any_of(groups.begin(), groups.end(),
                     [](const GroupResult& group) { return group.verdict == Verdict::kWorse; });
}

Comparison compare(const Side& base, const Side& now, const CompareRules& rules) {
  return Comparer(base, now, rules).run();
}

}  // namespace recollect
