#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Where the queries stand.
enum class CompositionalLayout {
  kPacked,    ///< all at the end, in random order
  kPowerLaw,  ///< anywhere after the triples, early places far more likely
};

/// What stands at every position that is neither part of a triple nor of a query.
enum class CompositionalFiller {
  kRandom,  ///< any id, which may bind two keys a second time by accident
  kZeros,   ///< id 0, which is neither key nor value
  kClean,   ///< any id but 0 and this example's keys
};

/// Compositional recall: a value belongs to two keys together, and neither alone tells it.
/// K, the number of triples, is a square: g = sqrt(K) first keys a and g second keys b give K
/// combinations, each with a value of its own.
///
///   layout packed, T 24, K 4                   '.' filler, '-' not scored
///     position   0  1  2| 3  4  5| 6  7  8| 9 10 11|12 13 14|15 ... 21 22 23
///     ids       a2 b1  v|a1 b1  w|a1 b2  x|a2 b2  y|a1 b2  .|a2 ... a1 b1  .
///     labels     -  -  -| -  -  -| -  -  -| -  -  -| -  x  -| - ...  -  w  -
///   All combinations, in random order, fill positions 0..3K-1; the queries, the combinations in
///   another random order, stand at T-3K, T-3K+3, ..., T-3.
///
///   layout power-law: slots of three positions from 3K on. K slots are drawn without replacement,
///   slot i = 1, 2, ... with weight i^(0.01 - 1); the i-th drawn slot asks the i-th triple, on its
///   first two positions. Positions left over at the end are filler.
///
/// The answer is due AT the second key. R = K positions are scored. Ids: with m = floor(V/3), first
/// keys 1..m-1, second keys m..2m-1, values 2m..V-1, each without replacement within an example.
/// Filler: random is uniform in 1..V-1 (with power-law in 0..V-1); clean is uniform in 1..V-1
/// without the 2g keys of the example.
///
/// Kinds of tokens: first key, second key, value, query (both of its keys), filler.
/// Tags: `lag` (second key of the query minus its value) and `level` (between the two), and `pair`,
/// the place of the triple (0 for the first).
/// Rules: a binding of (a, b) before p is a position s <= p-3 with ids[s] = a, ids[s+1] = b and a
/// value ids[s+2] >= 2m. "first" and "recent" answer the value of the smallest and of the largest
/// such s: "first" always reaches R, and so does "recent" but for random filler. "first_key" and
/// "second_key" know one key alone and answer the value of its smallest binding with any other:
/// both reach R/g.
/// Chance: 1/K, a guess among the values of the example. Errors: pairs no square; too few ids for
/// its keys and values; 6K > T; any option outside its range. Source: arXiv 2312.04927's program.
class CompositionalRecallSettings final : public TaskSettings {
 public:
  static constexpr std::int64_t kMaxPairs =
      698896;  // the largest square that kMaxVocab has room for

  CompositionalLayout layout = CompositionalLayout::kPacked;
  CompositionalFiller filler = CompositionalFiller::kRandom;
  std::int64_t pairs = 16;   ///< K
  std::int64_t vocab = 128;  ///< V

  CompositionalRecallSettings() { length = 128; }

  [[nodiscard]] std::string_view name() const noexcept override { return "compositional-recall"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
