#include "harness/compare/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/compare/effects.hpp"
#include "harness/compare/ranking.hpp"
#include "harness/compare/reflow.hpp"
#include "harness/inspect/inspected_weights.hpp"
#include "harness/render/text_table.hpp"
#include "harness/results/chosen_scores.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/results/result_set.hpp"
#include "harness/results/variance_result.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/stats/survival.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

using Words = std::vector<std::string>;

/// "12,900".
std::string thousands(double value) { return with_commas(std::llround(value)); }

std::string p_text(double p) {
  return p < 0.001 ? fmt::format("{:.0e}", p) : fmt::format("{:.2g}", p);
}

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

/// What an expression asks of the runs: the words without NAME=VALUE, and these.
struct Question {
  Words words;
  ChosenBy options;

  explicit Question(const Words& all) {
    for (const std::string& word : all) {
      if (const auto option = name_and_value(word)) {
        options[option->first] = option->second;
      } else {
        words.push_back(word);
      }
    }
  }
  [[nodiscard]] const std::string& word(std::size_t i) const {
    if (i >= words.size()) throw IoError("it has too few words");
    return words[i];
  }
};

class Findings {
 public:
  explicit Findings(const ReportInput& input) : input_(input) {
    for (const Archive& archive : input.archives) {
      cells_[archive.file.experiment.name] = archived_cells(archive);
    }
  }

  [[nodiscard]] std::string value(const Words& words) const {
    using Function = std::string (Findings::*)(const Question&) const;
    static const std::map<std::string, Function> functions = {
        {"solved", &Findings::solved},
        {"runs", &Findings::runs},
        {"solved-by", &Findings::solved_by},
        {"last-step", &Findings::last_step},
        {"reached", &Findings::reached},
        {"stuck", &Findings::stuck},
        {"stuck-seeds", &Findings::stuck_seeds},
        {"slipped", &Findings::slipped},
        {"accuracy", &Findings::accuracy},
        {"sd", &Findings::deviation},
        {"median-step", &Findings::median_step},
        {"median-step-solved", &Findings::median_step_solved},
        {"mean-step", &Findings::mean_step},
        {"ratio", &Findings::ratio},
        {"fisher", &Findings::fisher},
        {"fisher-reached", &Findings::fisher_reached},
        {"variance", &Findings::variance},
        {"same-weights", &Findings::same_weights},
        {"input-dependence", &Findings::input_dependence},
        {"lambda-variance", &Findings::lambda_variance},
        {"lambda-mean", &Findings::lambda_mean},
        {"half-life", &Findings::half_life},
        {"published", &Findings::published},
        {"ranking", &Findings::ranking},
        {"setting", &Findings::setting}};
    const auto found = words.empty() ? functions.end() : functions.find(words.front());
    if (found == functions.end()) throw IoError("there is no such function");
    return (this->*found->second)(Question(Words(words.begin() + 1, words.end())));
  }

 private:
  using Rows = std::vector<const CellResult*>;

  [[nodiscard]] const std::vector<CellResult>& cells_of(const std::string& experiment) const {
    const auto found = cells_.find(experiment);
    if (found == cells_.end()) {
      throw IoError(fmt::format("no archive holds an experiment '{}'", experiment));
    }
    return found->second;
  }

  /// The runs of an expression's experiments (its `at`-th word) with a label: a row for each, that
  /// of the score which is asked for; of a run that diverged the one that it has.
  [[nodiscard]] Rows rows(const Question& question, std::size_t at,
                          const std::string& label) const {
    Rows found;
    for (const std::string& experiment : split_at(question.word(at), '+')) {
      for (const CellResult& cell : cells_of(experiment)) {
        if (!label.empty() && cell.label != label) continue;
        if (is_chosen(cell, question.options)) found.push_back(&cell);
      }
    }
    if (found.empty()) throw IoError("no run is meant by it");
    return found;
  }
  [[nodiscard]] Rows rows(const Question& question) const {
    return rows(question, 0, question.word(1));
  }

  template <class Test>
  static std::int64_t number_of(const Rows& rows, Test&& test) {
    return std::count_if(rows.begin(), rows.end(),
                         [&](const CellResult* row) { return test(*row); });
  }
  template <class Test>
  static std::string count(const Rows& rows, Test&& test) {
    return std::to_string(number_of(rows, test));
  }
  /// Of the runs of two labels that pass a test.
  template <class Test>
  static std::string fisher_of(const Rows& a, const Rows& b, Test&& test) {
    return p_text(fisher_exact_test(number_of(a, test), static_cast<std::int64_t>(a.size()),
                                    number_of(b, test), static_cast<std::int64_t>(b.size())));
  }

  static bool is_solved(const CellResult& row) { return row.status.solved_step.has_value(); }
  static bool has_reached(const CellResult& row, double share) {
    return row.score && row.score->accuracy >= share;
  }

  static bool is_stuck(const CellResult& row) {
    constexpr double kNoBetter = 1.5;
    return row.score && row.score->accuracy < kNoBetter * row.score->chance;
  }

  [[nodiscard]] std::string solved(const Question& question) const {
    return count(rows(question), is_solved);
  }
  [[nodiscard]] std::string runs(const Question& question) const {
    return std::to_string(rows(question).size());
  }
  [[nodiscard]] std::string solved_by(const Question& question) const {
    const std::int64_t step = to_integer(question.word(0));
    return count(rows(question, 1, question.word(2)), [&](const CellResult& row) {
      return row.status.solved_step && *row.status.solved_step <= step;
    });
  }
  [[nodiscard]] std::string last_step(const Question& question) const {
    std::int64_t last = 0;
    for (const CellResult* row : rows(question)) {
      last = std::max(last, row->status.solved_step.value_or(0));
    }
    return with_commas(last);
  }
  [[nodiscard]] std::string reached(const Question& question) const {
    const double share = to_real(question.word(0));
    return count(rows(question, 1, question.word(2)),
                 [&](const CellResult& row) { return row.score && row.score->accuracy >= share; });
  }
  [[nodiscard]] std::string stuck(const Question& question) const {
    return count(rows(question), is_stuck);
  }
  [[nodiscard]] std::string stuck_seeds(const Question& question) const {
    std::set<std::int64_t> seeds;
    for (const CellResult* row : rows(question)) {
      if (is_stuck(*row)) seeds.insert(row->seed);
    }
    return std::to_string(seeds.size());
  }

  /// Runs that solved their task, and whose score says otherwise.
  [[nodiscard]] std::string slipped(const Question& question) const {
    constexpr double kLearned = 0.9;
    return count(rows(question), [](const CellResult& row) {
      return row.status.solved_step && row.score && row.score->accuracy < kLearned;
    });
  }

  [[nodiscard]] std::vector<double> accuracies(const Question& question) const {
    std::vector<double> values;
    for (const CellResult* row : rows(question)) {
      if (row->score) values.push_back(100.0 * row->score->accuracy);
    }
    if (values.empty()) throw IoError("no run is meant by it");
    return values;
  }
  [[nodiscard]] std::string accuracy(const Question& question) const {
    return fmt::format("{:.1f}", mean(accuracies(question)));
  }
  [[nodiscard]] std::string deviation(const Question& question) const {
    const std::optional<double> sd = standard_deviation(accuracies(question));
    if (!sd) throw IoError("one run has no deviation");
    return fmt::format("{:.1f}", *sd);
  }

  [[nodiscard]] GroupResult group(const Question& question) const {
    std::vector<CellResult> cells;
    for (const CellResult* row : rows(question)) cells.push_back(*row);
    const std::vector<GroupResult> groups = group_cells(cells);
    if (groups.size() != 1) throw IoError("the runs are not of one group");
    return groups.front();
  }
  [[nodiscard]] std::string median_step(const Question& question) const {
    const std::optional<double> step = group(question).solve_step_median;
    if (!step) throw IoError("half of the runs did not solve it");
    return thousands(*step);
  }
  [[nodiscard]] std::string median_step_solved(const Question& question) const {
    return thousands(group(question).solve_step_median_solved.value());
  }
  [[nodiscard]] std::string mean_step(const Question& question) const {
    return thousands(group(question).solve_step_mean.value());
  }

  [[nodiscard]] std::string ratio(const Question& question) const {
    ResultSet set;
    set.name = question.word(0);
    for (const std::string& label : {question.word(1), question.word(2)}) {
      for (const CellResult* row : rows(question, 0, label)) set.cells.push_back(*row);
    }
    set.exact.resize(set.cells.size());
    const Effects effects =
        effects_of(set, {.by = "variant", .against = question.word(1), .score = {}});
    const Effect& effect = effects.pooled.empty() ? effects.each.front() : effects.pooled.front();
    if (!effect.ratio_interval) throw IoError("its ratio has no interval");
    return fmt::format("{:.2f} [{:.2f}, {:.2f}]", effect.ratio, effect.ratio_interval->low,
                       effect.ratio_interval->high);
  }

  [[nodiscard]] std::string fisher(const Question& question) const {
    if (question.words.size() == 4) {
      std::vector<std::int64_t> numbers;
      for (const std::string& word : question.words) numbers.push_back(to_integer(word));
      return p_text(fisher_exact_test(numbers[0], numbers[1], numbers[2], numbers[3]));
    }
    return fisher_of(rows(question, 0, question.word(1)), rows(question, 0, question.word(2)),
                     is_solved);
  }

  [[nodiscard]] std::string fisher_reached(const Question& question) const {
    const double share = to_real(question.word(0));
    return fisher_of(rows(question, 1, question.word(2)), rows(question, 1, question.word(3)),
                     [&](const CellResult& row) { return has_reached(row, share); });
  }

  [[nodiscard]] std::string variance(const Question& question) const {
    for (const VarianceResult& result : split_cells(cells_of(question.word(0)))) {
      for (const VarianceMeasure& measure : result.measures) {
        if (!measure.name.starts_with(question.word(1)) || !measure.split) continue;
        const VarianceComponent& part = question.word(2) == "data"      ? measure.split->rows
                                        : question.word(2) == "weights" ? measure.split->columns
                                                                        : measure.split->rest;
        return fmt::format("{:.0f} % ({:.0f} to {:.0f})", 100.0 * part.share,
                           100.0 * part.interval.low, 100.0 * part.interval.high);
      }
    }
    throw IoError("no such measure crosses seeds");
  }

  /// Pairs of runs with the same initial weights and other data. A run that did not solve its task
  /// counts as its last step, as in the split of the variance.
  [[nodiscard]] std::string same_weights(const Question& question) const {
    std::map<std::int64_t, Rows> by_seed;
    const Question all(Words{question.word(0)});
    for (const CellResult* row : rows(all, 0, "")) by_seed[row->seed].push_back(row);
    double squares = 0.0, degrees = 0.0, pairs = 0.0, differing = 0.0;
    for (const auto& [seed, members] : by_seed) {
      std::vector<double> steps;
      double count = 0.0;
      for (const CellResult* row : members) {
        steps.push_back(static_cast<double>(row->status.solved_step.value_or(row->status.steps)));
        count += row->status.solved_step ? 1.0 : 0.0;
      }
      const double centre = mean(steps);
      for (const double step : steps) squares += (step - centre) * (step - centre);
      const auto n = static_cast<double>(members.size());
      degrees += n - 1.0;
      pairs += n * (n - 1.0) / 2.0;
      differing += count * (n - count);
    }
    if (pairs == 0.0) throw IoError("no two runs share their initial weights");
    return question.word(1) == "sd" ? thousands(std::sqrt(squares / degrees))
                                    : fmt::format("{:.1f} %", 100.0 * differing / pairs);
  }

  /// What the weights of an archive show: of the one head of a layer, as the words say.
  [[nodiscard]] const HeadInspection& head(const Question& question) const {
    const auto archive = std::find_if(
        input_.archives.begin(), input_.archives.end(),
        [&](const Archive& one) { return one.file.experiment.name == question.word(0); });
    if (archive == input_.archives.end()) (void)cells_of(question.word(0));
    const Inspection& inspection = weights_.of(*archive, question.word(1));
    const auto layer = static_cast<std::size_t>(to_integer(question.word(2)));
    if (layer >= inspection.layers.size()) throw IoError("the model has no such layer");
    if (inspection.layers[layer].heads.size() != 1) throw IoError("the layer has several heads");
    return inspection.layers[layer].heads.front();
  }
  [[nodiscard]] VarianceShares shares(const Question& question) const {
    const HeadInspection& one = head(question);
    if (!one.shares) throw IoError("the variant has no levels");
    return *one.shares;
  }

  [[nodiscard]] std::string input_dependence(const Question& question) const {
    return fmt::format("{:.1f} %", 100.0 * shares(question).inputs);
  }
  [[nodiscard]] std::string lambda_variance(const Question& question) const {
    const VarianceShares all = shares(question);
    const std::string& part = question.word(3);
    const double share = part == "levels"      ? all.levels
                         : part == "positions" ? all.positions
                         : part == "kinds"     ? all.kinds
                                               : throw IoError("there is no such part");
    return fmt::format("{:.1f} %", 100.0 * share);
  }
  [[nodiscard]] std::string lambda_mean(const Question& question) const {
    const HeadInspection& one = head(question);
    const auto level = static_cast<std::size_t>(to_integer(question.word(3)));
    if (level >= one.mean.size() || !one.mean[level]) throw IoError("there is no such level");
    return fmt::format("{:.2g}", *one.mean[level]);
  }
  [[nodiscard]] std::string half_life(const Question& question) const {
    const std::optional<Quartiles>& quartiles = head(question).half_life;
    if (!quartiles) throw IoError("nothing decays");
    return fmt::format("{:.2g}", quartiles->median);
  }

  [[nodiscard]] std::string published(const Question& question) const {
    const PublishedFigure* found = nullptr;
    for (const PublishedFigure& figure : input_.figures) {
      const bool meant =
          figure.source.starts_with(question.word(0)) && figure.variant == question.word(1) &&
          std::all_of(question.options.begin(), question.options.end(), [&](const auto& option) {
            if (option.first == "seeds") return std::to_string(figure.seeds) == option.second;
            if (option.first == "length") return std::to_string(figure.length) == option.second;
            if (option.first == "eval_length") {
              return std::to_string(figure.eval_length) == option.second;
            }
            for (const char* section : {"task_", "model_", "train_"}) {
              const auto setting = figure.settings.find(section + option.first);
              if (setting != figure.settings.end()) {
                return same_number(setting->second) == same_number(option.second);
              }
            }
            return false;
          });
      if (!meant) continue;
      if (found != nullptr) throw IoError("several published figures are meant by it");
      found = &figure;
    }
    if (found == nullptr) throw IoError("no published figure is meant by it");
    const std::string& field = question.word(2);
    if (field == "mean") return fmt::format("{:.1f}", 100.0 * found->mean);
    if (field == "sd" && found->sd) return fmt::format("{:.1f}", 100.0 * *found->sd);
    if (field == "seeds") return std::to_string(found->seeds);
    if (field == "solved" && found->solved) return std::to_string(*found->solved);
    throw IoError(fmt::format("the figure has no {}", field));
  }

  [[nodiscard]] std::string ranking(const Question& question) const {
    for (const PublishedRanking& one : input_.rankings) {
      if (one.name == question.word(0)) {
        std::string text =
            to_markdown(ranking_table(compare_ranking(one, cells_of(one.experiment))));
        text.pop_back();  // the prose ends its own lines
        return text;
      }
    }
    throw IoError("no published ranking has that name");
  }

  [[nodiscard]] std::string setting(const Question& question) const {
    std::set<std::string> values;
    for (const CellResult& cell : cells_of(question.word(0))) {
      values.insert(option_of(cell, question.word(1)));
    }
    if (values.size() != 1) throw IoError("its runs do not share that option");
    const std::string& text = *values.begin();
    const bool whole = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (whole) return thousands(to_real(text));
    const bool is_number =
        !text.empty() && text.find_first_not_of("0123456789.e-") == std::string::npos;
    return is_number ? fmt::format("{:g}", to_real(text)) : text;
  }

  const ReportInput& input_;
  mutable InspectedWeights weights_;  // computed when an expression first asks
  std::map<std::string, std::vector<CellResult>> cells_;
};

}  // namespace

std::string filled(std::string_view text, const ReportInput& input, const std::string& place) {
  const Findings findings(input);
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find("{{", at);
    out += text.substr(at, begin - at);
    if (begin == std::string_view::npos) return reflowed(out);
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
    const std::size_t end = text.find("}}", begin);
    if (end == std::string_view::npos) {
      throw IoError(fmt::format("{}:{}: an expression has no end", place, line));
    }
    std::string expression(text.substr(begin + 2, end - begin - 2));
    std::replace(expression.begin(), expression.end(), '\n', ' ');
    try {
      out += findings.value(words(expression));
    } catch (const std::exception& error) {
      throw IoError(
          fmt::format("{}:{}: {{{{{}}}}}: {}", place, line, printable(expression), error.what()));
    }
    at = end + 2;
  }
}

}  // namespace recollect
