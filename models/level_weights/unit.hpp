#pragma once

#include "models/level_weights/level_weights.hpp"

namespace recollect {

/// lambda = 1 (`gated-linear`): no hierarchy.
template <class S>
class UnitLevelWeights final : public LevelWeights<S> {
 public:
  using typename LevelWeights<S>::Tape;
  [[nodiscard]] Index levels() const noexcept override { return 0; }
  [[nodiscard]] const Tape* forward(const S*, ConstView<S>, View<S>, Workspace<S>&) const override {
    return nullptr;
  }
  void backward(const S*, S*, ConstView<S>, const Tape*, ConstView<S>, View<S>, View<S>,
                Workspace<S>&) const override {}
  [[nodiscard]] double multiply_adds() const noexcept override { return 0.0; }
};

}  // namespace recollect
