#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task.hpp"

namespace recollect {

/// One line of the table of tasks.
struct TaskEntry {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<TaskSettings> (*settings)();  ///< default settings
};

/// Every task, in the order in which `recollect list tasks` prints them.
[[nodiscard]] std::span<const TaskEntry> tasks() noexcept;

/// @returns null where no task has that name
[[nodiscard]] const TaskEntry* find_task(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string> task_names();

}  // namespace recollect
