#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"
#include "models/mixers/output_stage.hpp"
#include "models/mixers/qkv_branches.hpp"
#include "models/tape_cores/gla_core.hpp"

namespace recollect {

/// `gla`: gated linear attention whose keys forget channel by channel (arXiv 2312.06635),
///
///   g_t = logsigmoid(W_2 W_1 u_t + b) / 16,   S <- diag(exp(g_t)) S + k_t v_t^T,   y_t = S^T q_t
template <class S>
class Gla final : public TapeMixer<S> {
 public:
  using typename Mixer<S>::Carry;
  using typename TapeMixer<S>::Segment;

  Gla(const LayerContext& context, const LinearOptions& options, Index chunk,
      ParameterLayout& layout);

  [[nodiscard]] Index chunk() const noexcept override { return chunk_; }
  void begin_step(const S* theta, const StepShape& step) override;

 protected:
  [[nodiscard]] tape::Var<S> run(const Segment& segment) const override;
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept override;
  [[nodiscard]] Carry* begin_states(const SequenceShape& shape,
                                    Workspace<S>& workspace) const override;

 private:
  static constexpr Index kRank = 16;  ///< of the gate's projection
  struct States;

  /// g (n, H dk)
  [[nodiscard]] tape::Var<S> gates(const Segment& segment) const;

  Index chunk_;
  Form form_;
  QkvBranches<S> branches_;
  Tensor down_, up_, bias_;
  OutputStage<S> output_;
};

class GlaSettings final : public MixerSettingsOf<GlaSettings> {
 public:
  std::int64_t chunk = 64;
  LinearOptions around;

  [[nodiscard]] std::string_view name() const noexcept override { return "gla"; }
  [[nodiscard]] Fields fields() override;
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const {
    return std::make_unique<Gla<S>>(context, around, static_cast<Index>(chunk), layout);
  }

 private:
  [[nodiscard]] HeadWidths head_widths() const noexcept override { return around.head_widths(); }
  void rules(const ModelSettings& model) const override;
};

}  // namespace recollect
