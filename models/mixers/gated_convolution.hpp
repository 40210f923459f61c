#pragma once

#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"
#include "models/mixers/tape_mixer.hpp"

namespace recollect {

/// `gated-convolution`: y = conv_3(u) (W u + b) + u, number by number, which is the whole mixer: no
/// heads, no W_o. Zoology's BaseConv (arXiv 2312.04927), a cheap first layer under another mixer.
template <class S>
class GatedConvolution final : public TapeMixer<S> {
 public:
  using typename Mixer<S>::Carry;
  using typename TapeMixer<S>::Segment;

  GatedConvolution(const LayerContext& context, ParameterLayout& layout);
  [[nodiscard]] Index chunk() const noexcept override { return 1; }

 protected:
  [[nodiscard]] tape::Var<S> run(const Segment& segment) const override;
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept override;
  [[nodiscard]] Carry* begin_states(const SequenceShape& shape,
                                    Workspace<S>& workspace) const override;

 private:
  static constexpr Index kTaps = 3;
  struct States;

  Tensor taps_, weight_, bias_;
};

class GatedConvolutionSettings final : public MixerSettingsOf<GatedConvolutionSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "gated-convolution"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const {
    return std::make_unique<GatedConvolution<S>>(context, layout);
  }

 private:
  [[nodiscard]] HeadWidths head_widths() const noexcept override { return {.none = true}; }
};

}  // namespace recollect
