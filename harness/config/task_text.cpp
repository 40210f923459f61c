#include "harness/config/task_text.hpp"

#include <fmt/format.h>

#include <memory>

namespace recollect {

std::string task_text(const TaskSettings& task, std::int64_t length) {
  const std::unique_ptr<TaskSettings> settings = task.clone();
  settings->length = length;
  std::string text(settings->name());
  const char* separator = ": ";
  for (const Field& field : settings->fields()) {
    if (field.is_implied()) continue;
    text += fmt::format("{}{} {}", separator, field.name, field.text());
    separator = ", ";
  }
  return text;
}

}  // namespace recollect
