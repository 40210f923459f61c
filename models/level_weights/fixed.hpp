#pragma once

#include "models/level_weights/level_weights.hpp"

namespace recollect {

/// lambda = softplus(a), a learned (H, L), the same for every token (`fixed-decay`). Starts at a =
/// 1; with `init: identity` at lambda = 1.
template <class S>
class FixedLevelWeights final : public LevelWeights<S> {
 public:
  FixedLevelWeights(const LevelContext& context, ParameterLayout& layout);

  using typename LevelWeights<S>::Tape;
  [[nodiscard]] Index levels() const noexcept override { return scale_.cols; }
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, View<S> lambda,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Tape* tape, ConstView<S> lambda,
                View<S> dlambda, View<S> du, Workspace<S>& workspace) const override;
  [[nodiscard]] double multiply_adds() const noexcept override { return 0.0; }

 private:
  /// The H L numbers as one row.
  [[nodiscard]] ConstView<S> scale(const S* theta) const;

  Tensor scale_;  // level_scale (H, L)
};

}  // namespace recollect
