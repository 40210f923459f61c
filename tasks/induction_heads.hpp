#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Induction heads: what followed this token the first time?
///   position   0  1  2  3  4 ... T-3 T-2 T-1         t trigger in 1..V/2-1, p pattern in V/2..V-1
///   ids        .  t  p  .  t ...  .   t   .          '.' filler, uniform in 1..V-1
///   labels     -  -  -  -  - ...  -   p   -          '-' not scored
///   with all   -  -  -  -  p ...  -   p   -
/// R = 1 position is scored, T-2; the answer is due AT the trigger that stands there again. Filler
/// may repeat the trigger (here at 4): with `all`, whose ids are the same, every trigger after the
/// pattern is scored with the pattern as its label, whatever follows it. One at position 0 is not.
///
/// Kinds of tokens: filler, trigger, pattern, query (what is scored). Tags: `lag` (query minus
/// pattern) and `level` (between the two).
/// Rules, as in mqar: a binding of the trigger before p is a position s <= p-2 with ids[s] =
/// trigger whose successor is in the upper half, ids[s+1] >= V/2. "first" answers ids[s+1] of the
/// smallest such s, which is always the pattern; "recent" of the largest, so it falls short where
/// filler binds the trigger again. Chance: 2/V, a guess among the patterns. Errors: vocab odd; any
/// option outside its range. Source: arXiv 2605.06946; `all` is ours.
class InductionHeadsSettings final : public TaskSettings {
 public:
  std::int64_t vocab = 64;  ///< V
  bool all = false;         ///< whether every later trigger is scored

  InductionHeadsSettings() { length = 256; }

  [[nodiscard]] std::string_view name() const noexcept override { return "induction-heads"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
