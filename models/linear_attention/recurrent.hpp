#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "math/buffer.hpp"
#include "math/view.hpp"

namespace recollect {

/// The recurrent form of the log-linear core of one head: one token at a time, one (dk, dv) state
/// for each non-empty level, O(log T) memory. On token t > 0 levels 0..z merge into level z + 1, z
/// = number of trailing zeros of t (a binary carry); then every state decays by exp(g_t), and level
/// 0 becomes k_t v_t^T. Without levels (lambda empty) there is one state.
template <class S>
class LogLinearRecurrent {
 public:
  LogLinearRecurrent(Index key_width, Index value_width)
      : key_width_(key_width), value_width_(value_width) {}

  /// y (dv) is overwritten; q, k (dk), v (dv); lambda (L) weights of the levels, the last one
  /// standing for all beyond it; g <= 0.
  void step(const S* q, const S* k, const S* v, S g, std::span<const S> lambda, S* y);

  /// States held now; log2(tokens) + 1 at most.
  [[nodiscard]] Index states() const noexcept { return held_; }
  /// Additions of one state to another so far; fewer than one a token on average.
  [[nodiscard]] std::int64_t merges() const noexcept { return merges_; }
  [[nodiscard]] std::int64_t tokens() const noexcept { return tokens_; }

 private:
  struct Level {
    Buffer<S> state;  ///< (dk, dv)
    bool held = false;
  };
  Level& level(Index l);
  void merge(Index from, Index to);

  Index key_width_;
  Index value_width_;
  std::vector<Level> levels_;
  Buffer<S> read_;  ///< scratch: what one level gives
  Index held_ = 0;
  std::int64_t merges_ = 0;
  std::int64_t tokens_ = 0;
};

}  // namespace recollect
