#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "math/buffer.hpp"
#include "math/view.hpp"

namespace recollect {

/// Rotary positions (RoPE, arXiv 2104.09864), base 10000, half-split: in each head, column i turns
/// with column i + d/2 by the angle position * 10000^(-2i/d).
template <class S>
class Rotary {
 public:
  explicit Rotary(Index head_width) : head_width_(head_width) {}

  /// Makes the table long enough for sequences of `length` tokens. Not safe beside rotate().
  void prepare(Index length);

  /// Turns, in place, row r of x (R, H d) by the angles of positions[r], or of r itself where no
  /// positions are given; by their negative if `back`, which is what gradients need.
  void rotate(std::span<const std::int32_t> positions, View<S> x, bool back) const;

 private:
  Index head_width_;
  Index length_ = 0;
  Buffer<S> cosine_;  // (length, d/2)
  Buffer<S> sine_;
};

}  // namespace recollect
