#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "tasks/task.hpp"

namespace recollect {

/// What a settings class mostly writes alike. `Own` derives from TaskSettingsOf<Own, Made>; Made is
/// the task, constructed from an Own that is valid.
template <class Own, class Made>
class TaskSettingsOf : public TaskSettings {
 public:
  /// Every whole number is within the bounds of its field; a rule between options is Own's to add.
  void validate() const override {
    Own copy = own();  // fields() are bound to something that may change
    for (const Field& field : copy.fields()) {
      const auto* const* number = std::get_if<std::int64_t*>(&field.value);
      if (number == nullptr || !field.bounded()) continue;
      require_within(field.name.c_str(), **number, static_cast<std::int64_t>(field.low),
                     static_cast<std::int64_t>(field.high));
    }
  }
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const final {
    return std::make_unique<Own>(own());
  }
  [[nodiscard]] std::unique_ptr<Task> make() const final {
    this->validate();
    return std::make_unique<Made>(own());
  }

 private:
  [[nodiscard]] const Own& own() const { return static_cast<const Own&>(*this); }
};

}  // namespace recollect
