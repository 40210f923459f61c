#pragma once

#include "models/mixers/output_stage.hpp"
#include "models/mixers/qkv_branches.hpp"
#include "models/tape_cores/softmax_heads.hpp"

namespace recollect {

/// Softmax attention on the tape, over the last `window` keys or over all of them, with what
/// LinearOptions put around a core. docs/model.md has the formulas.
template <class S>
class SoftmaxMixer final : public TapeMixer<S> {
 public:
  using typename Mixer<S>::Carry;
  using typename TapeMixer<S>::Segment;

  /// @param window  keys that a token sees, itself included; 0: all up to itself
  SoftmaxMixer(const LayerContext& context, const LinearOptions& options, Index window,
               ParameterLayout& layout);

  [[nodiscard]] Index chunk() const noexcept override { return 1; }
  void begin_step(const S* theta, const StepShape& step) override;

 protected:
  [[nodiscard]] tape::Var<S> run(const Segment& segment) const override;
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept override;
  [[nodiscard]] double uncounted_multiply_adds(const SequenceShape& shape) const noexcept override;
  [[nodiscard]] Carry* begin_states(const SequenceShape& shape,
                                    Workspace<S>& workspace) const override;
  [[nodiscard]] MixerView<S> view_of(const Carry* carry, Workspace<S>& workspace) const override;

 private:
  struct States;

  QkvBranches<S> branches_;
  SoftmaxHeads<S> core_;
  OutputStage<S> output_;
};

}  // namespace recollect
