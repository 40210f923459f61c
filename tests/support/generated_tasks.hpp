#pragma once

#include <vector>

#include "tasks/registry.hpp"

namespace recollect {

/// The registered tasks that make their examples, from their options alone. `examples` reads files,
/// so at its defaults there is none; programs/exchange_test.cpp is about it.
[[nodiscard]] inline std::vector<TaskEntry> generated_tasks() {
  std::vector<TaskEntry> all;
  for (const TaskEntry& entry : tasks()) {
    if (entry.name != "examples") all.push_back(entry);
  }
  return all;
}

}  // namespace recollect
