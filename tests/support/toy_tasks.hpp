#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "harness/config/settings.hpp"
#include "tasks/task.hpp"

namespace recollect::testing {

/// A task that no configuration names. It has no rules and no tags; some of the positions ask for
/// the id that stands before them, and how many differs from example to example and by split.
///   position   0  1  2  3  4 ...        '?' asks: id V-1
///   ids        a  ?  b  c  ? ...        ids 0..V-2 elsewhere
///   labels     -  a  -  -  c
/// Position 1 always asks; of the others each with one chance in 8 in training, in 2 elsewhere, as
/// long as no two stand side by side. V 16, T even.
class EchoSettings final : public TaskSettings {
 public:
  explicit EchoSettings(std::int64_t tokens = 24) { length = tokens; }
  [[nodiscard]] std::string_view name() const noexcept override { return "echo"; }
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

/// Bytes, each to be told from those before it: V 256, scored everywhere, R = T. The text counts up
/// from a random byte in steps of 1 to 4. Tag `position`: the power of two at or below p + 1. One
/// rule, `step`: the byte before, and the step that led to it.
class BytesSettings final : public TaskSettings {
 public:
  explicit BytesSettings(std::int64_t tokens = 4096) { length = tokens; }
  [[nodiscard]] std::string_view name() const noexcept override { return "bytes"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

/// A cell of a variant on such a task; `train` as in a configuration, without examples: these are
/// drawn online. Scored at the training length.
[[nodiscard]] Cell toy_cell(std::shared_ptr<const TaskSettings> task, const std::string& variant,
                            const std::string& train, const std::string& model = "width: 16");

}  // namespace recollect::testing
