#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "models/level_weights/level_weights.hpp"
#include "models/linear_attention/heads.hpp"
#include "models/mixers/linear_options.hpp"
#include "models/mixers/output_stage.hpp"
#include "models/mixers/qkv_branches.hpp"
#include "models/mixers/tape_mixer.hpp"
#include "models/tape/carry.hpp"
#include "models/tape_cores/heads.hpp"
#include "models/tape_cores/waiting_states.hpp"

namespace recollect {

/// LinearOptions with the rest of what a mixer of linear attention is made of.
struct LinearShape {
  Gate gate = Gate::kInput;
  GateStart gate_start = {};
  Index chunk = 64;
  LinearOptions options = {};
};

/// Linear attention on the tape: with the additive update gated linear attention, Mamba-2 (arXiv
/// 2405.21060) and their log-linear kin; with the delta rule DeltaNet (2406.06484), Gated DeltaNet
/// (2412.06464) and theirs (2506.04761). docs/model.md has the formulas.
template <class S>
class LinearMixer final : public TapeMixer<S> {
 public:
  using typename Mixer<S>::Carry;
  using typename TapeMixer<S>::Segment;

  /// @param level_weights  (LevelContext, ParameterLayout&) -> std::unique_ptr<LevelWeights<S>>
  template <class Make>
  LinearMixer(const LayerContext& context, const LinearShape& shape, const Make& level_weights,
              ParameterLayout& layout)
      : LinearMixer(context, shape, layout) {
    level_weights_ =
        level_weights(LevelContext{context.model, context.levels, context.prefix}, layout);
    finish(context, layout);
  }

  [[nodiscard]] Index chunk() const noexcept override { return shape_.chunk; }
  void begin_step(const S* theta, const StepShape& step) override;

 protected:
  [[nodiscard]] tape::Var<S> run(const Segment& segment) const override;
  /// Of the additive core, which is reckoned for whole sequences.
  [[nodiscard]] double uncounted_multiply_adds(const SequenceShape& shape) const noexcept override;
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept override;
  [[nodiscard]] std::int64_t state_peak(std::int64_t tokens) const noexcept override;
  [[nodiscard]] Carry* begin_states(const SequenceShape& shape,
                                    Workspace<S>& workspace) const override;
  [[nodiscard]] MixerView<S> view_of(const Carry* carry, Workspace<S>& workspace) const override;

 private:
  struct States;

  LinearMixer(const LayerContext& context, const LinearShape& shape, ParameterLayout& layout);
  void finish(const LayerContext& context, ParameterLayout& layout);

  [[nodiscard]] bool delta() const noexcept { return shape_.options.update == Update::kDelta; }
  [[nodiscard]] Index levels() const noexcept { return level_weights_->levels(); }
  /// softplus(w_dt u + b) of every head (n, H).
  [[nodiscard]] tape::Var<S> step_sizes(const Segment& segment) const;
  /// Whether the core runs at the queries alone.
  [[nodiscard]] bool at_queries(const Queries& queries) const noexcept;
  /// @param few  at the queries alone
  [[nodiscard]] tape::Var<S> delta_heads(const Segment& segment, const TapeHeads<S>& in,
                                         bool few) const;

  LinearShape shape_;
  Execution execution_;
  QkvBranches<S> branches_;
  Index heads_, key_width_, value_width_;  ///< of branches_
  Tensor a_log_, dt_weight_, dt_bias_, beta_weight_;
  std::unique_ptr<LevelWeights<S>> level_weights_;
  std::optional<LogLinearHeads<S>> core_;
  std::optional<OutputStage<S>> output_;
};

}  // namespace recollect
