#pragma once

#include <memory>
#include <string_view>

#include "tasks/registry.hpp"

namespace recollect {

/// Adds a task by its settings class, for a program of one's own: in register_own().
/// @param name, description  must outlive the program @throws ConfigError where the name is taken
template <class Settings>
void register_task(std::string_view name, std::string_view description) {
  add_task({name, description,
            []() -> std::unique_ptr<TaskSettings> { return std::make_unique<Settings>(); }});
}

}  // namespace recollect
