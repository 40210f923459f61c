#pragma once

#include <memory>
#include <string_view>

#include "models/layers/output_projection.hpp"
#include "models/layers/projections.hpp"
#include "models/mixers/softmax_settings.hpp"
#include "models/shortcuts/first_layer.hpp"

namespace recollect {

/// `full-quadratic`: causal softmax attention, the quadratic reference. No decay, no levels.
template <class S>
class FullQuadratic final : public Mixer<S> {
 public:
  FullQuadratic(const LayerContext& context, ParameterLayout& layout);

  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;
  void begin_step(const S* theta, const StepShape& step) override;
  [[nodiscard]] Carry* begin(const SequenceShape& shape, Workspace<S>& workspace) const override;
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Queries& queries,
                                    Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const override;
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept override;
  [[nodiscard]] FirstLayer<S>* first_layer() noexcept override { return first_layer_.get(); }
  [[nodiscard]] MixerView<S> inspect(const Tape* tape) const override;

 private:
  class Table;
  struct MyCarry;
  struct MyTape;

  /// Where a segment's q, k and v (or their gradients) stand: in the carry, `kept`, where later
  /// segments look at earlier keys; else in room of their own.
  [[nodiscard]] View<S> room(S* kept, Index tokens, const Queries& queries, bool may_absorb,
                             Workspace<S>& workspace) const;
  /// From q, k and v of a segment to the output, and back to their gradients.
  [[nodiscard]] const MyTape* attend(const S* theta, const typename Projections<S>::Result& qkv,
                                     const Queries& queries, const MyCarry& carry, View<S> y,
                                     Workspace<S>& workspace) const;
  [[nodiscard]] typename Projections<S>::Gradients attend_backward(
      const S* theta, S* gradient, const MyTape& tape, const Queries& queries, const MyCarry& carry,
      ConstView<S> dy, bool may_absorb, Workspace<S>& workspace) const;
  [[nodiscard]] S scale() const;
  /// Columns first .. first + count - 1 of q, k or v of the tokens before `end`.
  [[nodiscard]] View<S> until(S* kept, Index end, Index first, Index count) const {
    return View<S>(kept + first, end, count, 3 * output_.columns());
  }

  Projections<S> projections_;
  OutputProjection<S> output_;
  std::unique_ptr<FirstLayer<S>> first_layer_;
};

/// All keys, or those of a window. Without any option it is the hand-written mixer.
class FullQuadraticSettings final : public MixerSettingsOf<FullQuadraticSettings, SoftmaxSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "full-quadratic"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const {
    if (is_plain()) return std::make_unique<FullQuadratic<S>>(context, layout);
    return layer<S>(context, layout);
  }
};

}  // namespace recollect
