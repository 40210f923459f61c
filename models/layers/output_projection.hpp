#pragma once

#include "models/layers/linear.hpp"
#include "models/mixer.hpp"
#include "models/settings.hpp"

namespace recollect {

/// W_o (D, columns), with which a mixer returns to the residual stream: its last step, and the
/// first of its backward pass.
template <class S>
class OutputProjection {
 public:
  /// Asked for after the mixer's other tensors.
  OutputProjection(const LayerContext& context, Index columns, ParameterLayout& layout)
      : linear_{layout.add_matrix(context.prefix + "out_proj.weight", context.model.width, columns,
                                  Fill::kNormal, output_deviation(context.model))} {}

  void begin_step(const S* theta) { packed_.pack(linear_, theta); }

  /// y (R, D) = mixed W_o^T
  void forward(ConstView<S> mixed, View<S> y) const { packed_.forward(mixed, y); }
  /// d_mixed (R, columns) is overwritten; `gradient` is accumulated.
  void backward(const S* theta, S* gradient, ConstView<S> mixed, ConstView<S> dy,
                View<S> d_mixed) const {
    linear_.backward<S>(theta, gradient, mixed, dy, d_mixed, Write::kOverwrite);
  }

  [[nodiscard]] const Linear& linear() const noexcept { return linear_; }
  [[nodiscard]] Index columns() const noexcept { return linear_.weight.cols; }

 private:
  Linear linear_;
  PackedLinear<S> packed_;
};

}  // namespace recollect
