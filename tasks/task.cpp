#include "tasks/task.hpp"

#include <fmt/format.h>

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
