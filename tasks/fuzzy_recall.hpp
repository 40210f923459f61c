#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Fuzzy in-context recall: keys and values are words of one to three tokens.
///   position   0  1  2  3 | 4  5  6 | 7  8 | 9 10 11 |12 13 ...      |T-2 T-1
///   ids        _  _  _  _ |k1 k2 v1 |k3 v2 |k1 k2 v1 |k3 v2 ...      | k4  v3 (v4)
///   labels     -  -  -  - | -  -  - | -  - | - v1  - |v2  - ...      | v3  v4
///   '_' padding, '-' not scored; (v4) is left out. Here v1 is the value of the key k1 k2.
/// The answer is due one position before its token; the last label is the token that is left out.
/// Ids: with m = floor((V-1)/2), keys consist of 0..m-1, values of m..V-2, padding is V-1. A key is
/// a different ids, a value b of them, all orders equally likely: b uniform in 1..3, a uniform in
/// 1..3 in training and 3 in validation and test.
///
/// How it is drawn: a probe (a key with its value, c tokens in all) and i, uniform in 0..T-c-12.
/// While fewer than T-c-6 tokens stand: if i or more do and the probe does not, it follows; else a
/// key follows (its length is drawn first) and its value, drawn when the key first appears; the
/// probe's key has the probe's value. At the end the probe follows once more; then padding goes in
/// front, up to T+1 tokens, and the last token is dropped. So the probe was always shown.
/// Every token of the value of a key that stood before is scored; R is 1 at least and differs from
/// example to example.
///
/// Kinds of tokens: key, value, padding.
/// Tags: `lag` (scored position minus the place of its label in the key's latest value), `level`
/// (between the two), and `place`, that of the label in its value (0 for the first token).
/// Rules "first" and "recent" answer what stood in the key's first and latest value: both are
/// always right, for a key keeps its value.
/// Chance: 1/(V-1-m), a guess among the ids of values. Errors: any option outside its range (three
/// ids for keys need V >= 7; T >= 24). Source: arXiv 2403.17844, whose program shows the probe of
/// some examples nowhere.
class FuzzyRecallSettings final : public TaskSettings {
 public:
  std::int64_t vocab = 16;  ///< V

  FuzzyRecallSettings() { length = 128; }

  [[nodiscard]] std::string_view name() const noexcept override { return "fuzzy-recall"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
