#pragma once

#include <cstdint>

namespace recollect {

/// Which of two exact sums is computed, by the operations that each takes: every threshold of the
/// models on one page. All count multiply-adds of one forward pass; the backward pass takes twice
/// as many of either kind, so the comparison stays. A threshold decides last bits, so none may
/// depend on the machine, and a change of one raises numerics_version.
///
/// T tokens, R queries, D width, H heads, d = D / H, V vocabulary, C tokens of a chunk.
namespace choose_path {

/// Keys and values of T tokens are needed by R queries alone (few_queries). Projecting them takes
/// 2 T D^2. Absorbing W_k and W_v at the queries takes 2 R D^2 for these, and the core then runs on
/// u itself, D columns a head in place of d: 2 R T (D H - D) more. Absorb where
///   2 R D^2 + 2 R T D (H - 1) < 2 T D^2,   that is   R (D + T (H - 1)) < T D.
[[nodiscard]] constexpr bool absorb_keys(std::int64_t tokens, std::int64_t queries,
                                         std::int64_t heads, std::int64_t width) noexcept {
  return queries * (width + tokens * (heads - 1)) < tokens * width;
}

/// The log-linear core at R queries of T tokens. Densely each query meets all keys and values: 2 R
/// T d a head. Chunkwise runs for all tokens, whatever is queried; a token's share is 2 C d / 2 for
/// its chunk (triangular), d^2 for its part of the chunk's state, and about two reads of a state,
/// d^2 each, hence about T (C d + 3 d^2) in all; at the measured speed of the small products this
/// counts as T d (C + 4 d). Dense where
///   2 R T d <= T d (C + 4 d),   that is   2 R <= C + 4 d.
[[nodiscard]] constexpr bool dense_at_queries(std::int64_t queries, std::int64_t chunk,
                                              std::int64_t head_width) noexcept {
  return 2 * queries <= chunk + 4 * head_width;
}

/// The delta rule at R queries of T tokens. Each query that runs back meets keys, the chunk's
/// inverse, values and keys again: R (3 d + C / 2) a token. For all tokens a token takes about
/// C d / 2 each for the scores, W, P V, P K and the erased keys, 3 d^2 for states. What both need
/// is left out. At few rows products are slower, hence half of that:
///   R (3 d + C / 2) <= C d + 2 d^2
[[nodiscard]] constexpr bool delta_at_queries(std::int64_t queries, std::int64_t chunk,
                                              std::int64_t head_width) noexcept {
  return queries * (3 * head_width + chunk / 2) <= head_width * (chunk + 2 * head_width);
}

/// A convolution of k taps at R of T tokens: the rows that it reads alone, or all.
[[nodiscard]] constexpr bool convolve_at_queries(std::int64_t tokens, std::int64_t queries,
                                                 std::int64_t taps) noexcept {
  return queries * taps < tokens;
}

/// A first layer that sees ids alone can compute what an id determines once a step (table). That
/// takes V rows in place of as many as the step has tokens; looking a row up and adding its
/// gradient costs about as much as half of computing it. Worth it from two tokens a row on.
[[nodiscard]] constexpr bool tabulate(std::int64_t tokens, std::int64_t vocab) noexcept {
  return tokens >= 2 * vocab;
}

/// The same layer with states that count ids (by_id). A token then multiplies one row of H V scores
/// by V values, H V D; by row it takes C d + 2 d^2 a head and D^2 for W_o, about D (C + 2 D) in
/// all. By id where
///   H V D <= D (C + 2 D),   that is   H V <= C + 2 D.
[[nodiscard]] constexpr bool by_id_pays(std::int64_t vocab, std::int64_t heads, std::int64_t chunk,
                                        std::int64_t width) noexcept {
  return heads * vocab <= chunk + 2 * width;
}

/// By id every row of the table meets every other: V^2 d scores and V^2 of their gradients a head,
/// about eight rows of a sequence's work (measured, V 128). Worth it from eight tokens a row on.
[[nodiscard]] constexpr bool tabulate_by_id(std::int64_t tokens, std::int64_t vocab) noexcept {
  return tokens >= 8 * vocab;
}

}  // namespace choose_path
}  // namespace recollect
