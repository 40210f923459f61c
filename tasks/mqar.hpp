#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Where the queries stand.
enum class MqarLayout {
  kPacked,    ///< all at the end, in random order (arXiv 2605.06946)
  kPowerLaw,  ///< anywhere after the pairs, early places far more likely (arXiv 2312.04927)
  kLevel,     ///< packed from 2^(level-1) on, so that every answer lies in the same level
};

/// What stands at every position that is neither part of a pair nor a query.
enum class MqarFiller {
  kRandom,  ///< any id, which may bind a key a second time by accident
  kZeros,   ///< id 0, which is neither key nor value
  kClean,   ///< any id but 0 and this example's keys
};

/// Multi-query associative recall: read K key-value pairs, then answer each key once. Keys are ids
/// 1..V/2-1 and values V/2..V-1, both without replacement within an example; id 0 is neither.
///
///   layout packed, T 16, K 2, offset 1          '.' filler, '-' not scored
///     position   0  1  2  3  4  5 ... 11 12 13 14 15
///     ids        . k1 v1 k2 v2  . ...  . k2  . k1  .
///     labels     -  -  -  -  -  -      - v2  - v1  -
///   The pairs fill positions offset..offset+2K-1; the queries, a random order of the keys, stand
///   at T-2K, T-2K+2, ..., T-2.
///
///   layout power-law, T 15, K 2, offset 0: slots of two positions from 2K + offset on
///     position   0  1  2  3 | 4  5 | 6  7 | 8  9 |10 11 |12 13 |14
///     slot                     1      2      3      4      5
///     ids       k1 v1 k2 v2 |k1  . | .  . |k2  . | .  . | .  . | .
///     labels     -  -  -  - |v1  - | -  - |v2  - | -  - | -  - | -
///   K slots are drawn without replacement, slot i with weight i^(0.01 - 1); the i-th drawn slot
///   asks the i-th key, on its first position. A left-over last position is filler.
///
///   layout level, T 16, K 2, offset 0, level 4: the queries stand at 2^(level-1), 2^(level-1)+2,
///   ...
///     position   0  1  2  3  4 ...  7 | 8  9 10 11 12 ... 15
///     ids       k1 v1 k2 v2  . ...  . |k2  . k1  .  . ...  .
///     labels     -  -  -  -  -      - |v2  - v1  -  -      -
///   All that stands before 2^(level-1) lies in level `level` of every query.
///
///   repeat p, rebind U: the K pairs stand p times in the same order, then U of the keys, drawn
///   without replacement, are bound again, to values that the example has not used
///     K 2, p 2, U 1     k1 v1 k2 v2  k1 v1 k2 v2  k2 v3  .  .  ...
///   The answer of a key is its latest value. What stands above as 2K, where queries or slots may
///   begin, is 2pK + 2U then.
///
/// The answer is due AT the query, not one position later. R = K positions are scored.
/// Filler: random is uniform in 1..V-1 (with power-law in 0..V-1, as in its source); clean is
/// uniform in 1..V-1 without the keys of the example. Offset 0 puts each value at an odd position,
/// where the previous token, its key, is alone in level 1; with offset 1 it never is.
///
/// Kinds of tokens: key, value, query, filler. What random filler binds again is filler.
/// Tags: `lag` (query minus its value token, the latest of them) and `level` (between the two), and
/// `pair`, the place of the key's first pair (0 for k1 v1). More tags: `bound_again`, 1 where rule
/// "recent" answers another value than the first pair's, by accident or by rebind, else 0;
/// `levels_beyond`, how many levels `level` lies beyond those of the trained length; the same under
/// `levels_beyond_once` where bound_again is 0, and under `levels_beyond_again` where it is 1;
/// `sixteenth` of the sequence in which the key before that value token stands.
/// Chance: 1/K, a guess among the values of the example. Rules: a
/// binding of key k before p is a position s <= p-2 with ids[s] = k whose successor is a value,
/// ids[s+1] >= V/2. "first" answers ids[s+1] of the smallest such s, "recent" of the largest; a
/// right answer by chance counts. Without rebind "first" always reaches R, as the pairs come first,
/// and "recent" falls short where random filler binds a key again; with rebind, which random filler
/// would spoil, "first" reaches K - U of K and "recent" all. Errors: vocab odd or below 4; pairs
/// above V/2 - 1; 2pK + 2U + 2K + offset > T (packed: the sequence is too short; power-law: fewer
/// than K slots, which is the same bound); layout level without a level, or a level elsewhere;
/// 2pK + 2U + offset > 2^(level-1), or 2^(level-1) + 2K > T; U > K, or K + U > V/2; rebind among
/// random filler; any option outside its range. Source: arXiv 2312.04927 (task and power-law
/// layout), arXiv 2605.06946 (packed layout), arXiv 2407.05483 (repeat); rebind is the forgetting
/// variant of the code published with arXiv 2312.04927.
class MqarSettings final : public TaskSettings {
 public:
  static constexpr std::int64_t kMaxPairs = kMaxVocab / 2 - 1;

  MqarLayout layout = MqarLayout::kPacked;
  MqarFiller filler = MqarFiller::kRandom;
  std::int64_t pairs = 8;    ///< K
  std::int64_t vocab = 128;  ///< V
  std::int64_t offset = 0;   ///< filler tokens before the first pair
  std::int64_t level = 0;    ///< of layout level; 0 elsewhere
  std::int64_t rebind = 0;   ///< U, keys that are bound a second time
  std::int64_t repeat = 1;   ///< p, how often the pairs stand there

  MqarSettings() { length = 128; }

  [[nodiscard]] std::string_view name() const noexcept override { return "mqar"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names more_tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;

 private:
  void validate_rebind() const;
  void validate_level() const;
  /// "2*8 + offset 0", the tokens that pairs and rebindings take.
  [[nodiscard]] std::string bindings_text() const;
};

}  // namespace recollect
