#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tasks/example.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"
#include "tasks/task.hpp"

namespace recollect::twin {

/// How many of an example's scored positions the rules "first" and "recent" get right, the rules of
/// every task so far.
struct Ceilings {
  std::int64_t first = 0;
  std::int64_t recent = 0;
};
[[nodiscard]] inline Ceilings ceilings(const Task& task, const Example& example) {
  std::array<std::int64_t, 2> right{};
  task.count_right(example, right);
  return {right[0], right[1]};
}

/// The tags of scored position r, of every task so far: lag, level, pair.
struct Tags {
  std::int32_t lag = 0;
  std::int32_t level = 0;
  std::int32_t pair = 0;
};
[[nodiscard]] inline Tags tags(const Example& example, std::size_t r) {
  const auto values = example.tags_of(r);
  return {values[0], values[1], values[2]};
}

/// Brute-force twins of the tasks: they share no code with the generators. Each reads the ids
/// alone, works out from the definition what positions, labels, tags and ceilings must be, and
/// compares. Power-law queries among random filler cannot be told from filler, so there, and only
/// there, the positions are taken from the example and checked to be K different slots that ask
/// each key once.
/// @returns "" for a valid example, else what is wrong with it
[[nodiscard]] std::string mqar_fault(const MqarSettings& settings, const Example& example,
                                     const Ceilings& ceilings);
/// `settings` resolved.
[[nodiscard]] std::string copying_fault(const SelectiveCopyingSettings& settings,
                                        const Example& example, const Ceilings& ceilings);

}  // namespace recollect::twin
