#pragma once

#include "base/registry.hpp"
#include "tasks/task.hpp"

namespace recollect {

using TaskEntry = RegistryEntry<TaskSettings>;

/// Every task, in the order in which `recollect list tasks` prints them.
[[nodiscard]] const Registry<TaskSettings>& tasks();

/// Adds one behind those that are there, from a program of one's own: register_own() is the place,
/// since nothing may have asked for the list yet. Usually by tasks/register.hpp.
/// @param entry  its texts must outlive the program @throws ConfigError where the name is taken
void add_task(const TaskEntry& entry);

}  // namespace recollect
