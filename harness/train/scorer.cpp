#include "harness/train/scorer.hpp"

#include <algorithm>
#include <map>
#include <utility>

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
  Ceilings ceilings;
};

/// Accuracy by lag, level and pair. Integers, so each thread may count for itself.
class SliceCounter {
 public:
  void add(const Tag& tag, bool correct) {
    const std::pair<const char*, std::int64_t> keys[] = {
        {"lag", tag.lag}, {"level", tag.level}, {"pair", tag.pair}};
    for (const auto& [name, value] : keys) {
      Tally& tally = tallies_[{name, value}];
      ++tally.scored;
      tally.correct += correct ? 1 : 0;
    }
  }

  void merge(const SliceCounter& other) {
    for (const auto& [key, tally] : other.tallies_) {
      tallies_[key].scored += tally.scored;
      tallies_[key].correct += tally.correct;
    }
  }

  [[nodiscard]] std::vector<Slice> slices() const {
    std::vector<Slice> all;
    for (const auto& [key, tally] : tallies_) {
      all.push_back(Slice{key.first, key.second, tally.scored,
                          static_cast<double>(tally.correct) / static_cast<double>(tally.scored)});
    }
    return all;
  }

 private:
  std::map<std::pair<std::string, std::int64_t>, Tally> tallies_;
};

struct Wanted {
  bool ceilings = false;
  bool slices = false;
};

Score run(SequenceModel<float>& model, const Task& task, std::int64_t data_seed, Split split,
          std::int64_t examples, std::vector<Lane<float>>& lanes, const Wanted& wanted,
          const StopRequest& stop) {
  model.begin_step({task.length(), examples * task.length(), static_cast<int>(lanes.size())});
  const std::int64_t rows = task.scored();
  std::vector<Outcome> outcomes(static_cast<std::size_t>(examples));
  std::vector<SliceCounter> counters(lanes.size());
  parallel_for(static_cast<int>(examples), static_cast<int>(lanes.size()), [&](int i, int thread) {
    if (stop.requested()) return;
    Lane<float>& lane = lanes[static_cast<std::size_t>(thread)];
    Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    task.example(static_cast<std::uint64_t>(data_seed), split, static_cast<std::uint64_t>(i),
                 lane.example, lane.scratch);
    lane.logits.resize(static_cast<std::size_t>(rows * model.vocab()));
    const View<float> logits = view(lane.logits.data(), rows, model.vocab());
    outcome.sequence = model.forward(input_of(lane.example), lane.workspace, logits);
    if (wanted.ceilings) outcome.ceilings = task.ceilings(lane.example);
    if (!wanted.slices) return;
    for (Index r = 0; r < rows; ++r) {
      const std::span<const float> row = logits.row(r);
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      const auto at = static_cast<std::size_t>(r);
      counters[static_cast<std::size_t>(thread)].add(lane.example.tags[at],
                                                     best == lane.example.labels[at]);
    }
  });
  stop.check();

  Score score;
  score.split = split;
  score.eval_length = task.length();
  score.examples = examples;
  score.scored = rows * examples;
  score.chance = task.chance();
  std::int64_t correct = 0;
  std::int64_t whole = 0;
  Ceilings ceilings;
  for (const Outcome& outcome : outcomes) {
    correct += outcome.sequence.correct;
    score.exact.push_back(outcome.sequence.correct == rows);
    whole += score.exact.back() ? 1 : 0;
    score.loss += outcome.sequence.loss;
    ceilings.first += outcome.ceilings.first;
    ceilings.recent += outcome.ceilings.recent;
  }
  const auto scored = static_cast<double>(score.scored);
  score.accuracy = static_cast<double>(correct) / scored;
  score.exact_match = static_cast<double>(whole) / static_cast<double>(examples);
  score.loss /= scored;
  score.ceiling_first = static_cast<double>(ceilings.first) / scored;
  score.ceiling_recent = static_cast<double>(ceilings.recent) / scored;
  for (std::size_t i = 1; i < counters.size(); ++i) counters[0].merge(counters[i]);
  score.slices = counters[0].slices();
  return score;
}

}  // namespace

std::unique_ptr<Task> task_at(const Cell& cell, std::int64_t length) {
  const std::unique_ptr<TaskSettings> settings = cell.task->clone();
  settings->length = length;
  return settings->make();
}

Score evaluate(SequenceModel<float>& model, const Task& task, std::int64_t data_seed, Split split,
               std::int64_t examples, std::vector<Lane<float>>& lanes, const StopRequest& stop) {
  return run(model, task, data_seed, split, examples, lanes, Wanted{}, stop);
}

Score score(SequenceModel<float>& model, const Cell& cell, Split split, std::int64_t length,
            std::int64_t examples, int threads, bool with_slices, const StopRequest& stop) {
  const std::unique_ptr<Task> task = task_at(cell, length);
  std::vector<Lane<float>> lanes(static_cast<std::size_t>(threads));
  Score result =
      run(model, *task, cell.data_seed, split, examples, lanes, Wanted{true, with_slices}, stop);
  result.unseen_level =
      cell.variant.mixer->has_levels() && level_count(length) > level_count(cell.task->length);
  return result;
}

}  // namespace recollect
