#pragma once

#include <cstdint>
#include <string>

#include "tasks/task.hpp"

namespace recollect {

/// A task at a length, with every option: "mqar: length 128, layout packed, ...".
[[nodiscard]] std::string task_text(const TaskSettings& task, std::int64_t length);

}  // namespace recollect
