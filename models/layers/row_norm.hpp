#pragma once

#include <string>

#include "models/layers/norm.hpp"
#include "models/layers/rms_norm.hpp"
#include "models/settings.hpp"

namespace recollect {

/// The norm of a model: the kind that `norm_kind` names. Both leave the same numbers for the
/// backward pass.
struct RowNorm {
  NormKind kind = NormKind::kLayer;
  Tensor weight;
  Tensor bias;  ///< of a layer norm

  /// As LayerNorm::forward().
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse_sd, View<S> y) const {
    if (kind == NormKind::kRms) {
      RmsNorm{weight}.forward(theta, x, normal, inverse_sd, y);
    } else {
      LayerNorm{weight, bias}.forward(theta, x, normal, inverse_sd, y);
    }
  }
  /// As LayerNorm::backward().
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse_sd,
                ConstView<S> dy, View<S> dx) const {
    if (kind == NormKind::kRms) {
      RmsNorm{weight}.backward(theta, gradient, normal, inverse_sd, dy, dx);
    } else {
      LayerNorm{weight, bias}.backward(theta, gradient, normal, inverse_sd, dy, dx);
    }
  }
};

/// @param name  of the tensors, without ".weight"
[[nodiscard]] inline RowNorm add_norm(ParameterLayout& layout, const std::string& name, Index width,
                                      NormKind kind) {
  const Tensor weight = layout.add_vector(name + ".weight", width, Fill::kConstant, 1.0);
  if (kind == NormKind::kRms) return {kind, weight, {}};
  return {kind, weight, layout.add_vector(name + ".bias", width, Fill::kConstant, 0.0)};
}

}  // namespace recollect
