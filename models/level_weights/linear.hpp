#pragma once

#include "models/layers/linear.hpp"
#include "models/level_weights/level_weights.hpp"

namespace recollect {

/// lambda = softplus(a * dl), dl = W_dl u (H, L), a learned (H, L) (`linear-decay`): what arXiv
/// 2506.04761 uses, and what the code published with arXiv 2605.06946 runs under the name "fixed".
template <class S>
class LinearLevelWeights final : public LevelWeights<S> {
 public:
  LinearLevelWeights(const LevelContext& context, ParameterLayout& layout);

  using typename LevelWeights<S>::Tape;
  [[nodiscard]] Index levels() const noexcept override { return scale_.cols; }
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, View<S> lambda,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Tape* tape, ConstView<S> lambda,
                View<S> dlambda, View<S> du, Workspace<S>& workspace) const override;
  [[nodiscard]] std::int64_t tape_row() const noexcept override {
    return 2 * projection_.weight.rows;
  }
  [[nodiscard]] double multiply_adds() const noexcept override {
    return static_cast<double>(projection_.weight.size());
  }

 private:
  struct MyTape : Tape {
    View<S> projected;  ///< (R, H L) dl
    View<S> slope;      ///< (R, H L) of the softplus
  };
  Linear projection_;  // level_proj.weight (H L, D)
  Tensor scale_;       // level_scale (H, L)
};

}  // namespace recollect
