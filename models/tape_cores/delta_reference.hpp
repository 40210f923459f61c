#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "math/fenwick.hpp"
#include "math/portable_math.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {

/// The delta rule of one head with a hierarchy of states, token by token: the definition that the
/// other forms are held to. Gated DeltaNet (arXiv 2412.06464) where every lambda is 1, DeltaNet
/// (arXiv 2406.06484) where nothing decays besides; the hierarchy is that of arXiv 2506.04761.
///
/// On token t the levels below merge as the bits of t carry, then every state S (dk, dv) decays and
/// forgets what it has under the key k_t, and level 0 becomes the token's own:
///
///   S <- exp(g_t) (I - beta_t k_t k_t^T) S,   S_0 = beta_t k_t v_t^T,   y_t = sum_l lambda_t[l]
///   S_l^T q_t
///
/// @param beta  (T) @param y  (T, dv)
template <class S>
void delta_reference(const CoreInput<S>& in, const S* beta, View<S> y) {
  const Index key_width = in.k.cols();
  const Index width = in.v.cols();
  std::vector<std::vector<S>> states;  // by level; empty: the level holds nothing
  set_zero(y);
  for (Index t = 0; t < in.k.rows(); ++t) {
    if (t > 0) {  // levels 0..z become level z + 1
      const int z = std::countr_zero(static_cast<std::uint64_t>(t));
      states.resize(std::max<std::size_t>(states.size(), static_cast<std::size_t>(z) + 2));
      std::vector<S>& merged = states[static_cast<std::size_t>(z) + 1];
      for (int low = 0; low <= z; ++low) {
        std::vector<S>& part = states[static_cast<std::size_t>(low)];
        if (merged.empty()) merged.assign(static_cast<std::size_t>(key_width * width), S(0));
        for (std::size_t i = 0; i < part.size(); ++i) merged[i] += part[i];
        part.clear();
      }
    } else {
      states.resize(1);
    }
    const S decay = in.g == nullptr ? S(1) : portable::exp(in.g[t]);
    for (std::vector<S>& state : states) {
      if (state.empty()) continue;
      const View<S> matrix = view(state.data(), key_width, width);
      for (Index j = 0; j < width; ++j) {
        S recalled = 0;  // k_t . column j: what the state has under this key
        for (Index i = 0; i < key_width; ++i) recalled += in.k(t, i) * matrix(i, j);
        for (Index i = 0; i < key_width; ++i) {
          matrix(i, j) = decay * (matrix(i, j) - beta[t] * in.k(t, i) * recalled);
        }
      }
    }
    states[0].assign(static_cast<std::size_t>(key_width * width), S(0));
    const View<S> own = view(states[0].data(), key_width, width);
    for (Index i = 0; i < key_width; ++i) {
      for (Index j = 0; j < width; ++j) own(i, j) = beta[t] * in.k(t, i) * in.v(t, j);
    }
    for (std::size_t level = 0; level < states.size(); ++level) {
      if (states[level].empty()) continue;
      const View<S> matrix = view(states[level].data(), key_width, width);
      const S weight = in.has_levels()
                           ? in.lambda(t, level_column(static_cast<Index>(level), in.lambda.cols()))
                           : S(1);
      for (Index i = 0; i < key_width; ++i) {
        for (Index j = 0; j < width; ++j) y(t, j) += weight * in.q(t, i) * matrix(i, j);
      }
    }
  }
}

}  // namespace recollect
