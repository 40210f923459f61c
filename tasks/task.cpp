#include "tasks/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"

namespace recollect {

Stream stream_of(Split split) noexcept {
  switch (split) {
    case Split::kTrain:
      return Stream::kTrain;
    case Split::kValidation:
      return Stream::kValidation;
    case Split::kTest:
      return Stream::kTest;
  }
  return Stream::kTrain;
}

std::string_view name_of(Split split) noexcept {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValidation:
      return "validation";
    case Split::kTest:
      return "test";
  }
  return "";
}

void Task::find_answers(const Example&, std::span<std::int32_t> answers) const {
  std::ranges::fill(answers, kUntold);
}

void Task::count_right(const Example& example, std::span<std::int64_t> right) const {
  std::vector<std::int32_t> answers(example.positions.size() * right.size());
  find_answers(example, answers);
  std::ranges::fill(right, 0);
  auto answer = answers.begin();
  for (const std::int32_t label : example.labels) {
    for (std::int64_t& count : right) count += *answer++ == label ? 1 : 0;
  }
}

void Task::find_kinds(const Example&, std::span<std::int32_t> kinds) const {
  std::ranges::fill(kinds, 0);
}

void require_within(const char* key, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low) {
    throw FieldError(
        key, fmt::format("= {} is not in {}..{}; raise it to {} at least", value, low, high, low));
  }
  if (value > high) {
    throw FieldError(
        key, fmt::format("= {} is not in {}..{}; lower it to {} at most", value, low, high, high));
  }
}

}  // namespace recollect
