#pragma once

#include <cstddef>
#include <vector>

#include "models/mixer.hpp"

namespace recollect {

/// What one layer shows of a sequence of T tokens, whatever the number type of its model. A vector
/// is empty where the layer has no such thing.
struct LayerInspection {
  std::size_t tokens = 0;      ///< T
  std::size_t heads = 0;       ///< H; 0: its mixer reports nothing
  std::size_t levels = 0;      ///< L; a level beyond the last reads the last
  std::vector<double> lambda;  ///< (H, T, L)
  std::vector<double> gate;    ///< (H, T) log of the decay from token t - 1 to t
  std::vector<double> beta;    ///< (H, T)
  AttentionKind attention = AttentionKind::kNone;
  std::size_t key_width = 0;  ///< dk
  std::vector<double> q;      ///< (H, T, dk)
  std::vector<double> k;      ///< (H, T, dk)
  double scale = 1.0;
  std::size_t window = 0;  ///< keys that a token sees by softmax, itself included; 0: all

  /// The weight with which token t of head h reads each of the tokens 0..t: what multiplies their
  /// values in the head's output, before `value_scale` and without `skip`. Empty where there is no
  /// attention.
  [[nodiscard]] std::vector<double> attention_row(std::size_t h, std::size_t t) const;
};

template <class S>
[[nodiscard]] LayerInspection inspection_of(const MixerView<S>& view, Index tokens);

}  // namespace recollect
