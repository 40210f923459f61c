#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"
#include "models/mixers/linear_options.hpp"
#include "models/mixers/softmax_mixer.hpp"

namespace recollect {

/// The options of softmax attention.
class SoftmaxSettings : public MixerSettings {
 public:
  LinearOptions around;     ///< those that need no state
  std::int64_t window = 0;  ///< keys that a token sees, itself included; 0: all up to itself

  [[nodiscard]] Fields fields() override;

 protected:
  explicit SoftmaxSettings(std::int64_t usual_window = 0)
      : window(usual_window), usual_window_(usual_window) {}

  [[nodiscard]] HeadWidths head_widths() const noexcept override { return around.head_widths(); }
  /// Whether no option is set.
  [[nodiscard]] bool is_plain() const noexcept { return around == LinearOptions() && window == 0; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> layer(const LayerContext& context,
                                                ParameterLayout& layout) const {
    return std::make_unique<SoftmaxMixer<S>>(context, around, static_cast<Index>(window), layout);
  }

 private:
  std::int64_t usual_window_;
};

/// `sliding-window`: softmax attention over the last keys alone.
class SlidingWindowSettings final : public MixerSettingsOf<SlidingWindowSettings, SoftmaxSettings> {
 public:
  SlidingWindowSettings() : MixerSettingsOf(64) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "sliding-window"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const {
    return layer<S>(context, layout);
  }

 private:
  void rules(const ModelSettings& model) const override;
};

}  // namespace recollect
