#include "harness/config/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "harness/config/task_parts.hpp"
#include "math/fenwick.hpp"

namespace recollect {

namespace {

std::int64_t longest(const Cell& cell) {
  std::int64_t length = std::max(cell.task->length, *cell.train.select_length);
  for (const std::int64_t other : cell.eval.lengths) length = std::max(length, other);
  for (const TaskPart& part : cell.scored) length = std::max(length, part.task->length);
  return length;
}

// The option that asks for `length`.
std::string_view asked_by(const Cell& cell, std::int64_t length) {
  const bool listed =
      std::any_of(cell.scored.begin(), cell.scored.end(),
                  [&](const TaskPart& part) { return part.task->length == length; });
  if (listed) return "eval.cells";
  const auto& lengths = cell.eval.lengths;
  const bool scored = std::find(lengths.begin(), lengths.end(), length) != lengths.end();
  return scored ? "eval.lengths" : "train.select_length";
}

void expect_positions(const Cell& cell, const std::string& key, std::int64_t length) {
  if (cell.variant.model.position == Position::kLearned && length > cell.task->length) {
    throw FieldError(key,
                     fmt::format("= {} is beyond task.length = {}, where learned positions end; "
                                 "use model.position none or rope, or lower it",
                                 length, cell.task->length));
  }
}

/// One model reads all entries of a list: an option like group-words' group, which is no `vocab`,
/// may decide how many ids there are.
void expect_vocab(const Cell& cell, std::string_view list, const std::vector<TaskPart>& parts) {
  if (parts.empty()) return;
  const std::int64_t vocab = cell.task->make()->vocab();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t own = parts[i].task->make()->vocab();
    if (own == vocab) continue;
    throw FieldError(
        fmt::format("{}[{}]", list, i),
        fmt::format(
            "has {} ids, but {} {}, and one model reads both; give options "
            "with as many ids, or make it a configuration of its own",
            own, cell.mixture.empty() ? "the task has" : "the longest entry of train.mixture has",
            vocab));
  }
}

void check_length(const Cell& cell, const std::string& key, std::int64_t length) {
  const auto task = at_length(*cell.task, length);
  try {
    task->validate();
  } catch (const FieldError& error) {
    throw FieldError(key, fmt::format("= {} is not possible for task {}: task.{} {}", length,
                                      task->name(), error.key(), error.detail()));
  }
  expect_positions(cell, key, length);
}

}  // namespace

int levels_of(const Cell& cell) {
  const bool as_is = cell.eval.unseen_levels == UnseenLevels::kAsIs;
  return level_count(as_is ? longest(cell) : cell.task->length);
}

void check_cell(const Cell& cell) {
  expect_vocab(cell, "train.mixture", cell.mixture);
  expect_vocab(cell, "eval.cells", cell.scored);
  std::set<std::int64_t> seen;
  for (const std::int64_t length : cell.eval.lengths) {
    if (!seen.insert(length).second) {
      throw FieldError("eval.lengths", fmt::format("holds {} twice; keep one", length));
    }
    check_length(cell, "eval.lengths", length);
  }
  check_length(cell, "train.select_length", *cell.train.select_length);
  for (std::size_t i = 0; i < cell.scored.size(); ++i) {
    expect_positions(cell, fmt::format("eval.cells[{}].length", i), cell.scored[i].task->length);
  }
  if (cell.train.loss == TrainLoss::kNextToken && cell.task->make()->scores_everywhere()) {
    throw FieldError("train.loss",
                     fmt::format("= next-token adds nothing to task {}, which scores every "
                                 "position; leave it out or set it to answers",
                                 cell.task->name()));
  }

  const std::int64_t length = longest(cell);
  const bool unseen = level_count(length) > level_count(cell.task->length);
  if (unseen && cell.variant.has_levels() && cell.eval.unseen_levels == UnseenLevels::kError) {
    throw FieldError(
        std::string(asked_by(cell, length)),
        fmt::format("= {} needs {} levels of {}, but task.length = {} trains {} and "
                    "eval.unseen_levels is error; lower it to {} or choose clamp or as-is",
                    length, level_count(length), cell.variant.label, cell.task->length,
                    level_count(cell.task->length),
                    std::int64_t{1} << (level_count(cell.task->length) - 1)));
  }
}

std::string unseen_levels_warning(const Cell& cell) {
  const std::int64_t length = longest(cell);
  const int trained = level_count(cell.task->length);
  if (!cell.variant.has_levels() || level_count(length) <= trained) return "";
  const bool clamp = cell.eval.unseen_levels == UnseenLevels::kClamp;
  return fmt::format(
      "{} = {} needs {} levels, but task.length = {} trains {}; unseen_levels: {} reads {}",
      asked_by(cell, length), length, level_count(length), cell.task->length, trained,
      clamp ? "clamp" : "as-is", clamp ? "the last trained level's lambda" : "untrained rows");
}

}  // namespace recollect
