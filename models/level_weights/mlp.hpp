#pragma once

#include "models/layers/linear.hpp"
#include "models/level_weights/level_weights.hpp"

namespace recollect {

/// How the MLP's L outputs become weights of levels.
enum class LevelOutput {
  kSoftplus,  ///< each on its own (`adaptive-decay`)
  kSoftmax,   ///< levels compete; they sum to 1 (`softmax-level`)
};

/// lambda = output(W2 gelu(W1 dl + b1) + b2), dl = W_dl u: a two-layer MLP with exact (erf) GELU on
/// the L values of each head, one MLP shared by the heads (arXiv 2605.06946, section 3). With
/// `init: identity` W2 = 0 and b2 = ln(e - 1), so that softplus starts at 1.
template <class S>
class MlpLevelWeights final : public LevelWeights<S> {
 public:
  MlpLevelWeights(const LevelContext& context, std::int64_t hidden, LevelOutput output,
                  ParameterLayout& layout);

  using typename LevelWeights<S>::Tape;
  [[nodiscard]] Index levels() const noexcept override { return levels_; }
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, View<S> lambda,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Tape* tape, ConstView<S> lambda,
                View<S> dlambda, View<S> du, Workspace<S>& workspace) const override;
  [[nodiscard]] std::int64_t tape_row() const noexcept override {
    return heads_ * (2 * levels_ + 2 * in_.weight.rows);
  }
  [[nodiscard]] std::int64_t scratch_row() const noexcept override {
    return heads_ * (levels_ + in_.weight.rows);
  }
  [[nodiscard]] double multiply_adds() const noexcept override {
    return static_cast<double>(projection_.weight.size() +
                               heads_ * (in_.weight.size() + out_.weight.size()));
  }

 private:
  struct MyTape : Tape {
    View<S> projected;     ///< (R H, L) dl; a head's L values are one row of the MLP's input
    View<S> hidden_slope;  ///< (R H, hidden) of the GELU
    View<S> activated;     ///< (R H, hidden)
    View<S> output_slope;  ///< (R H, L) of the softplus
  };
  LevelOutput output_;
  Index heads_;
  Index levels_;
  Linear projection_;  // level_proj.weight (H L, D)
  Linear in_;          // lambda_mlp.w1.weight (hidden, L)
  Tensor in_bias_;
  Linear out_;  // lambda_mlp.w2.weight (L, hidden)
  Tensor out_bias_;
};

}  // namespace recollect
