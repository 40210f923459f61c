#pragma once

#include <memory>
#include <utility>

#include "models/linear_attention/parts.hpp"
#include "models/shortcuts/first_layer.hpp"

namespace recollect {

/// What every variant of the core has.
struct LogLinearCore {
  Gate gate = Gate::kInput;
  GateStart gate_start = {};
  Index chunk = 64;
  bool first_layer_by_id = false;  ///< where a step has tokens enough
};

/// Log-linear attention and gated linear attention: projections, decay gate, level weights, the
/// core on each head, W_o. Which variant it is, its level weights say.
template <class S>
class LogLinearMixer final : public Mixer<S> {
 public:
  /// @param level_weights  (LevelContext, ParameterLayout&) -> std::unique_ptr<LevelWeights<S>>;
  /// made between the gate and W_o, so that tensors have a fixed order
  template <class Make>
  LogLinearMixer(const LayerContext& context, const LogLinearCore& core, const Make& level_weights,
                 ParameterLayout& layout)
      : LogLinearMixer(context, core, parts(context, core, level_weights, layout)) {}

  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;
  [[nodiscard]] Index chunk() const noexcept override { return parts_.heads.shape().chunk; }
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
  struct MyTape;
  struct MyCarry;

  LogLinearMixer(const LayerContext& context, const LogLinearCore& core, LogLinearParts<S>&& parts);

  template <class Make>
  static LogLinearParts<S> parts(const LayerContext& context, const LogLinearCore& core,
                                 const Make& level_weights, ParameterLayout& layout) {
    const Index head = context.model.width / context.model.heads;
    Projections<S> projections(context, layout);
    DecayGate<S> gate(core.gate, context, layout, core.gate_start);
    std::unique_ptr<LevelWeights<S>> weights =
        level_weights(LevelContext{context.model, context.levels, context.prefix}, layout);
    const Index levels = weights->levels();
    return {std::move(projections), std::move(gate), std::move(weights),
            OutputProjection<S>(context, context.model.width, layout),
            LogLinearHeads<S>(
                {context.model.heads, head, head, levels, core.chunk, context.execution.form})};
  }

  LogLinearParts<S> parts_;
  std::unique_ptr<FirstLayer<S>> first_layer_;
};

}  // namespace recollect
