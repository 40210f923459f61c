#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "models/layers/convolution.hpp"
#include "models/layers/mlp.hpp"
#include "models/layers/row_norm.hpp"
#include "models/mixer_settings.hpp"
#include "models/shortcuts/first_layer.hpp"

namespace recollect {

/// One layer: convolution, mixer, norm and MLP block around the residual stream x.
///   post-norm  u = conv(x);        m = LN(x + mixer(u));   out = m, or LN2(m + MLP(m))
///   pre-norm   u = conv(LN(x));    m = x + mixer(u);       out = m, or m + MLP(LN2(m))
/// LN is the norm that norm_kind names.
template <class S>
class Block {
 public:
  Block(const LayerContext& context, const MixerSettings& mixer, ParameterLayout& layout);

  /// What a layer leaves of one segment of n tokens for its backward pass.
  struct Tape;
  /// What the segments of a sequence share.
  struct Carry {
    typename Mixer<S>::Carry* mixer = nullptr;
    S* z = nullptr;   ///< (taps - 1, D) the last rows that the convolution read
    S* dz = nullptr;  ///< (taps - 1, D) what later segments add to the gradient of these rows
  };
  /// What a layer reads of a segment. A first layer that looks up ids has no u, and no x either
  /// where all tokens are queried: it adds to E[id].
  struct Input {
    Index tokens;                       ///< n
    S* x;                               ///< (n, D) or null
    std::span<const std::int32_t> ids;  ///< (n) where `first_layer` is in use, else empty
    ConstView<S> embedding;             ///< E (V, D), the same
    [[nodiscard]] bool by_table() const noexcept { return !ids.empty(); }
  };

  void begin_step(const S* theta, const StepShape& step) { mixer_->begin_step(theta, step); }
  /// @param ids  (T) where the first layer is in use, with its gradient; else empty
  [[nodiscard]] Carry begin(const SequenceShape& shape, std::span<const std::int32_t> ids,
                            S* table_gradient, Workspace<S>& workspace) const;
  /// out (R, D) is overwritten.
  [[nodiscard]] const Tape* forward(const S* theta, const Input& input, const Queries& queries,
                                    const Carry& carry, S* out, Workspace<S>& workspace) const;
  /// d_out (R, D) is changed, dx (n, D) overwritten. @returns where the gradient of x is: dx, or
  /// d_out if that is all there is to it
  [[nodiscard]] S* backward(const S* theta, S* gradient, const Input& input, const Queries& queries,
                            const Tape& tape, const Carry& carry, S* d_out, S* dx,
                            Workspace<S>& workspace) const;

  /// What the mixer shows of a sequence that forward() saw as one segment, all tokens queried.
  [[nodiscard]] MixerView<S> inspect(const Tape& tape) const;

  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept;

  [[nodiscard]] Index chunk() const noexcept { return mixer_->chunk(); }
  /// The mixer as a first layer, null where it has no such shortcut.
  [[nodiscard]] FirstLayer<S>* first_layer() const noexcept { return mixer_->first_layer(); }
  /// The norm before a pre-norm mixer.
  [[nodiscard]] const RowNorm& norm() const noexcept { return norm_; }

 private:
  [[nodiscard]] bool pre_norm() const noexcept { return norm_place_ == Norm::kPre; }
  /// Rows of earlier tokens that the convolution reaches back to.
  [[nodiscard]] Index reach() const noexcept { return convolution_ ? taps_ - 1 : 0; }
  /// From x to what the mixer reads.
  void read_input(const S* theta, const Input& input, const Queries& queries, const Carry& carry,
                  Tape& tape, Workspace<S>& workspace) const;
  /// x + mixer(u) at the queries, written to `sum` (R, D).
  void mix(const S* theta, const Input& input, const Queries& queries, const Carry& carry,
           Tape& tape, View<S> sum, Workspace<S>& workspace) const;
  /// The MLP block: middle (R, D) to out (R, D).
  void feed_forward(const S* theta, View<S> middle, S* out, Tape& tape,
                    Workspace<S>& workspace) const;
  /// Changes d_out in place into the gradient of x + mixer(u).
  void feed_forward_backward(const S* theta, S* gradient, const Tape& tape, View<S> d_out,
                             Workspace<S>& workspace) const;
  /// The convolution backwards: d_u, which begins tape.halo rows before the segment, to dx.
  void convolution_backward(const S* theta, S* gradient, const Tape& tape, const Carry& carry,
                            S* d_u, View<S> dx, Workspace<S>& workspace) const;

  Norm norm_place_;
  Index width_;
  Index taps_;
  std::int64_t mlp_ratio_;
  std::optional<ShortConvolution> convolution_;
  std::unique_ptr<Mixer<S>> mixer_;
  RowNorm norm_;
  std::optional<Mlp> mlp_;
  RowNorm mlp_norm_;
};

}  // namespace recollect
