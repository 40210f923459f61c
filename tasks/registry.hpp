#pragma once

#include "base/registry.hpp"
#include "tasks/task.hpp"

namespace recollect {

using TaskEntry = RegistryEntry<TaskSettings>;

/// Every task, in the order in which `recollect list tasks` prints them.
[[nodiscard]] const Registry<TaskSettings>& tasks();

}  // namespace recollect
