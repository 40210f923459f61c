#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Memorisation: what is the value of this key, which no example tells? The weights have to know.
///   position   0  1  2  3  4  5 ... T-2 T-1          k keys, uniform and independent
///   ids        k  I  k' I  k  I ...  k"  I           I the insert token V-1
///   labels     -  v  -  v' -  v ...  -   v"          '-' not scored
/// R = T/2 positions are scored, every insert token. With m = floor((V-1)/2), keys are ids 0..m-1
/// and values m..V-2. One map gives each key a value, no two the same; it is drawn from the data
/// seed alone, so all splits, lengths and examples share it.
///
/// Kinds of tokens: key, insert. Tag: `pair`, the key.
/// Rule: "seen" answers the value of a key that stands in a training example, and nothing else: the
/// share of the scored keys that training could tell. What a cell trains on is known to its task
/// (TaskSettings::training); without a cell nothing has been seen.
/// Chance: 1/(V-1-m), a guess among the values. Errors: length odd; any option outside its range.
/// Source: arXiv 2403.17844.
class MemorisationSettings final : public TaskSettings {
 public:
  std::int64_t vocab = 256;  ///< V

  MemorisationSettings() { length = 32; }

  [[nodiscard]] std::string_view name() const noexcept override { return "memorisation"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] std::string_view shared_by_design() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
