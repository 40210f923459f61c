#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace recollect {

/// Whether level `level` of L holds anything at position t: level 0 is the token itself, level
/// l >= 1 a block of 2^(l-1) tokens that is there where bit l - 1 of t is set, and the last of L
/// stands for all beyond it. Where it holds nothing, its lambda weighs nothing.
[[nodiscard]] constexpr bool holds_tokens(std::size_t level, std::size_t levels,
                                          std::int64_t t) noexcept {
  if (level == 0) return true;
  const std::int64_t blocks = t >> (level - 1);
  return level + 1 == levels ? blocks != 0 : (blocks & 1) != 0;
}

/// Where the variance of one head's lambda comes from, over all examples, levels and positions at
/// which the level holds something. `levels`, `positions` and `inputs` are shares of `total` and
/// add up to 1, or are all 0 where `total` is.
struct VarianceShares {
  std::int64_t examples = 0;
  double total = 0.0;
  double levels = 0.0;     ///< between the means of levels: what one constant a level would give
  double positions = 0.0;  ///< between the means of positions, within a level
  double inputs = 0.0;     ///< between examples at one level and position: the input-dependence
  double kinds = 0.0;      ///< between the means of kinds of token, within a level: a part of
                       ///< `positions` and `inputs`, of the former alone where kinds have places
};

/// Below this an "adaptive" lambda is in effect a constant for each level and position.
inline constexpr double kHardlyAdapts = 0.15;

/// Lambda of one head over examples of T tokens, whose kinds of token are 0..kinds-1.
class LevelVariance {
 public:
  LevelVariance(std::size_t tokens, std::size_t levels, std::size_t kinds);

  /// @param lambda  (T, L) @param kind_of  (T)
  void add(std::span<const double> lambda, std::span<const std::int32_t> kind_of);

  [[nodiscard]] VarianceShares shares() const;
  /// Over all examples and positions at which the level holds something; none where it never does.
  [[nodiscard]] std::optional<double> mean(std::size_t level) const;
  [[nodiscard]] std::optional<double> mean(std::size_t level, std::size_t kind) const;

 private:
  /// Count, mean and sum of squares about it, updated value by value (Welford): equal values have
  /// a sum of squares of exactly 0.
  struct Moments {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    void add(double value);
    /// What both have together (Chan, Golub and LeVeque).
    void join(const Moments& other);
  };
  [[nodiscard]] Moments of_level(std::size_t level) const;

  std::size_t levels_;
  std::size_t kinds_;
  std::int64_t examples_ = 0;
  std::vector<Moments> at_;       // (T, L) over examples
  std::vector<Moments> of_kind_;  // (L, kinds) over examples and positions
};

}  // namespace recollect
