#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// In-context recall: every key that comes again has the value it had before.
///   position   0  1 | 2  3 | 4  5 | 6  7 | 8  9      T 10, noise ids '.', '-' not scored
///   ids        a  v | b  w | .  . | a  v | b  w
///   labels     -  - | -  - | -  - | v  - | w  -
/// Ids: with h = floor((V-N)/2), keys 0..h-1, values h..V-N-1, noise the N ids after these. There
/// are T/2 pairs of positions. One of the first T/2-1, drawn uniformly, is never noise; each other
/// one is, with probability `noise`, two noise ids; else a key drawn uniformly and its value, which
/// is drawn uniformly when the key first appears. The last pair is a key drawn uniformly among the
/// different keys shown, and its value. Different keys may have the same value.
/// A key is scored wherever it was shown before; the answer is due AT the key. R is 1..T/2-1 and
/// differs from example to example.
///
/// Kinds of tokens: key, value, query (a key that is scored), noise.
/// Tags: `lag` (query minus the latest place of its value), `level` (between the two), and `pair`,
/// the number of the key in order of appearance (0 for the first).
/// Rules "first" and "recent" answer what followed the key the first and the latest time: both are
/// always right.
/// Chance: 1/(V-N-h), a guess among the values. Errors: length odd; fewer than two ids beside the
/// noise; noise without ids of its own; any option outside its range. Source: arXiv 2403.17844.
class InContextRecallSettings final : public TaskSettings {
 public:
  std::int64_t vocab = 16;     ///< V
  std::int64_t noise_ids = 0;  ///< N
  double noise = 0.0;          ///< probability that a pair of positions is noise

  InContextRecallSettings() { length = 128; }

  [[nodiscard]] std::string_view name() const noexcept override { return "in-context-recall"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
