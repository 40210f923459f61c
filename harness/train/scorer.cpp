#include "harness/train/scorer.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/config/task_parts.hpp"
#include "math/fenwick.hpp"

namespace recollect {
namespace {

/// How many of the scored positions with one tag value were right.
struct Tally {
  std::int64_t scored = 0;
  std::int64_t correct = 0;
};

/// What is remembered of one example; kept for all, so that sums run in the order of the examples.
struct Outcome {
  SequenceOutcome sequence;
  std::int64_t scored = 0;
};

/// The tallies of some tags, by value.
class Tallies {
 public:
  explicit Tallies(std::size_t tags) : tallies_(tags) {}

  [[nodiscard]] std::size_t tags() const noexcept { return tallies_.size(); }

  /// @param values  of each tag, of one scored position
  void add(std::span<const std::int32_t> values, bool correct) {
    for (std::size_t tag = 0; tag < tallies_.size(); ++tag) {
      if (values[tag] == kNoTag) continue;
      Tally& tally = tallies_[tag][values[tag]];
      ++tally.scored;
      tally.correct += correct ? 1 : 0;
    }
  }

  void merge(const Tallies& other) {
    for (std::size_t tag = 0; tag < tallies_.size(); ++tag) {
      for (const auto& [value, tally] : other.tallies_[tag]) {
        tallies_[tag][value].scored += tally.scored;
        tallies_[tag][value].correct += tally.correct;
      }
    }
  }

  [[nodiscard]] std::vector<Slice> slices(Names tags) const {
    std::vector<Slice> all;
    for (std::size_t tag = 0; tag < tallies_.size(); ++tag) {
      for (const auto& [value, tally] : tallies_[tag]) {
        all.push_back(
            Slice{std::string(tags[tag]), value, tally.scored,
                  static_cast<double>(tally.correct) / static_cast<double>(tally.scored)});
      }
    }
    return all;
  }

 private:
  std::vector<std::map<std::int32_t, Tally>> tallies_;
};

/// What is counted beside accuracy and loss.
struct Requested {
  Names rules = {};
  Names tags = {};
  Names more_tags = {};
  std::int64_t trained_length = 0;  ///< what more_tags ask for
};

/// What one thread counts. Whole numbers, so the order does not matter.
class Counter {
 public:
  explicit Counter(const Requested& requested)
      : trained_length_(requested.trained_length),
        tallies_(requested.tags.size()),
        more_tallies_(requested.more_tags.size()),
        right_(requested.rules.size()),
        right_here_(requested.rules.size()) {}

  void add_slices(const Example& example, std::span<const std::int32_t> answers) {
    if (tallies_.tags() == 0) return;
    for (std::size_t r = 0; r < answers.size(); ++r) {
      tallies_.add(example.tags_of(r), answers[r] == example.labels[r]);
    }
  }

  void add_more_slices(const Task& task, const Example& example, GeneratorScratch& scratch,
                       std::span<const std::int32_t> answers) {
    const std::size_t tags = more_tallies_.tags();
    if (tags == 0) return;
    values_here_.resize(answers.size() * tags);
    task.find_more_tags(example, trained_length_, scratch, values_here_);
    for (std::size_t r = 0; r < answers.size(); ++r) {
      more_tallies_.add(std::span(values_here_).subspan(r * tags, tags),
                        answers[r] == example.labels[r]);
    }
  }

  void add_rules(const Task& task, const Example& example) {
    if (right_.empty()) return;
    task.count_right(example, right_here_);
    for (std::size_t i = 0; i < right_.size(); ++i) right_[i] += right_here_[i];
  }

  void merge(const Counter& other) {
    tallies_.merge(other.tallies_);
    more_tallies_.merge(other.more_tallies_);
    for (std::size_t i = 0; i < right_.size(); ++i) right_[i] += other.right_[i];
  }

  [[nodiscard]] std::vector<Slice> slices(Names tags) const { return tallies_.slices(tags); }
  [[nodiscard]] std::vector<Slice> more_slices(Names tags) const {
    return more_tallies_.slices(tags);
  }

  [[nodiscard]] std::vector<RuleAccuracy> rules(Names names, double scored) const {
    std::vector<RuleAccuracy> all;
    for (std::size_t i = 0; i < right_.size(); ++i) {
      all.push_back({std::string(names[i]), static_cast<double>(right_[i]) / scored});
    }
    return all;
  }

 private:
  std::int64_t trained_length_;
  Tallies tallies_;
  Tallies more_tallies_;
  std::vector<std::int32_t> values_here_;  // of more tags
  std::vector<std::int64_t> right_;        // of each rule
  std::vector<std::int64_t> right_here_;
};

/// Adds up what the examples gave, in their order.
Score summed(const Task& task, Split split, const std::vector<Outcome>& outcomes) {
  Score score;
  score.split = split;
  score.eval_length = task.length();
  score.examples = std::ssize(outcomes);
  score.chance = task.chance();
  std::int64_t correct = 0;
  std::int64_t whole = 0;
  for (const Outcome& outcome : outcomes) {
    correct += outcome.sequence.correct;
    score.scored += outcome.scored;
    score.exact.push_back(outcome.sequence.correct == outcome.scored);
    whole += score.exact.back() ? 1 : 0;
    score.loss += outcome.sequence.loss;
  }
  const auto scored = static_cast<double>(score.scored);
  score.accuracy = static_cast<double>(correct) / scored;
  score.exact_match = static_cast<double>(whole) / static_cast<double>(score.examples);
  score.loss /= scored;
  return score;
}

/// `answer(i, lane)` fills the answers of the lane's example.
template <class Answer>
Score tally(const Task& task, std::int64_t data_seed, Split split, std::int64_t examples,
            std::vector<Lane<float>>& lanes, const Requested& requested, const StopRequest& stop,
            const Answer& answer) {
  std::vector<Outcome> outcomes(static_cast<std::size_t>(examples));
  std::vector<Counter> counters(lanes.size(), Counter(requested));
  parallel_for(static_cast<int>(examples), static_cast<int>(lanes.size()), [&](int i, int thread) {
    if (stop.requested()) return;
    Lane<float>& lane = lanes[static_cast<std::size_t>(thread)];
    Counter& counter = counters[static_cast<std::size_t>(thread)];
    Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    const Example& example = lane.example;
    task.example({static_cast<std::uint64_t>(data_seed), split, static_cast<std::uint64_t>(i)},
                 lane.example, lane.scratch);
    lane.answers.resize(example.positions.size());
    outcome = {answer(i, lane), std::ssize(example.positions)};
    counter.add_rules(task, example);
    counter.add_slices(example, lane.answers);
    counter.add_more_slices(task, example, lane.scratch, lane.answers);
  });
  stop.check();

  Score score = summed(task, split, outcomes);
  for (std::size_t i = 1; i < counters.size(); ++i) counters[0].merge(counters[i]);
  score.rules = counters[0].rules(requested.rules, static_cast<double>(score.scored));
  score.slices = counters[0].slices(requested.tags);
  score.more_slices = counters[0].more_slices(requested.more_tags);
  return score;
}

Score run(SequenceModel<float>& model, const Task& task, std::int64_t data_seed, Split split,
          std::int64_t examples, std::vector<Lane<float>>& lanes, const Requested& requested,
          const StopRequest& stop) {
  model.begin_step({task.length(), examples * task.length(), static_cast<int>(lanes.size())});
  return tally(task, data_seed, split, examples, lanes, requested, stop,
               [&](std::int64_t, Lane<float>& lane) {
                 return model.score(input_of(lane.example), lane.workspace, lane.answers);
               });
}

/// All that a task can tell of its scored positions.
Requested everything(const Cell& cell) {
  return {.rules = cell.task->rules(),
          .tags = cell.task->tags(),
          .more_tags = cell.task->more_tags(),
          .trained_length = cell.task->length};
}

}  // namespace

std::unique_ptr<Task> task_at(const Cell& cell, std::int64_t length) {
  return at_length(*cell.task, length)->make();
}

Score evaluate(SequenceModel<float>& model, const Task& task, std::int64_t data_seed, Split split,
               std::int64_t examples, std::vector<Lane<float>>& lanes, const StopRequest& stop) {
  return run(model, task, data_seed, split, examples, lanes, Requested{}, stop);
}

Score score(SequenceModel<float>& model, const Cell& cell, Split split, const TaskSettings& at,
            std::int64_t examples, int threads, bool with_slices, const StopRequest& stop) {
  const std::unique_ptr<Task> task = at.make();
  std::vector<Lane<float>> lanes(static_cast<std::size_t>(threads));
  const Requested requested =
      with_slices ? everything(cell) : Requested{.rules = cell.task->rules()};
  Score result = run(model, *task, cell.data_seed, split, examples, lanes, requested, stop);
  result.unseen_level =
      cell.variant.has_levels() && level_count(at.length) > level_count(cell.task->length);
  return result;
}

Score score(SequenceModel<float>& model, const Cell& cell, Split split, std::int64_t length,
            std::int64_t examples, int threads, bool with_slices, const StopRequest& stop) {
  return score(model, cell, split, *at_length(*cell.task, length), examples, threads, with_slices,
               stop);
}

Score score_answers(const Cell& cell, Split split, const TaskSettings& at, std::int64_t examples,
                    int threads, const Answers& answer, const StopRequest& stop) {
  const std::unique_ptr<Task> task = at.make();
  std::vector<Lane<float>> lanes(static_cast<std::size_t>(threads));
  return tally(*task, cell.data_seed, split, examples, lanes, everything(cell), stop,
               [&](std::int64_t i, Lane<float>& lane) {
                 const Example& example = lane.example;
                 SequenceOutcome outcome{};
                 outcome.loss = answer(i, example, lane.answers);
                 for (std::size_t r = 0; r < lane.answers.size(); ++r) {
                   outcome.correct += lane.answers[r] == example.labels[r] ? 1 : 0;
                 }
                 return outcome;
               });
}

}  // namespace recollect
