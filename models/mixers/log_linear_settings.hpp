#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"
#include "models/mixers/linear_mixer.hpp"
#include "models/mixers/linear_options.hpp"
#include "models/mixers/log_linear_mixer.hpp"

namespace recollect {

/// How the first layer of a log-linear model is computed, where it sees token ids alone: by id, or
/// by row. Exact either way, but last bits differ.
enum class FirstLayerPath { kIds, kRows };

/// The options that every log-linear variant has, with what the variant's name sets.
class LogLinearSettings : public MixerSettings {
 public:
  Gate gate = Gate::kInput;
  GateStart gate_start;
  std::int64_t chunk = 64;  ///< tokens that the chunkwise form handles densely; a power of two
  FirstLayerPath first_layer = FirstLayerPath::kIds;
  LinearOptions around;

  [[nodiscard]] Fields fields() override;
  [[nodiscard]] std::string_view first_layer_path(const ModelSettings& model,
                                                  std::int64_t vocab) const override;

 protected:
  explicit LogLinearSettings(const LinearOptions& usual = {}, Gate usual_gate = Gate::kInput)
      : gate(usual_gate), around(usual), usual_(usual), usual_gate_(usual_gate) {}

  [[nodiscard]] HeadWidths head_widths() const noexcept override { return around.head_widths(); }
  void rules(const ModelSettings& model) const override;
  /// A layer whose level weights `make` makes, as LogLinearMixer takes it.
  template <class S, class Make>
  [[nodiscard]] std::unique_ptr<Mixer<S>> layer(const LayerContext& context,
                                                ParameterLayout& layout, const Make& make) const {
    if (is_plain()) {
      return std::make_unique<LogLinearMixer<S>>(context, core(context), make, layout);
    }
    return std::make_unique<LinearMixer<S>>(context, LinearShape{gate, gate_start, chunk, around},
                                            make, layout);
  }

 private:
  /// Projections, core and W_o alone, which is what the hand-written mixer computes.
  [[nodiscard]] bool is_plain() const noexcept { return around == LinearOptions(); }
  [[nodiscard]] LogLinearCore core(const LayerContext& context) const;

  LinearOptions usual_;
  Gate usual_gate_;
};

// How lambda is made; each is a base of the variants that make it so.

/// Every level weighs 1: there is one state.
class UnitLevelSettings : public LogLinearSettings {
 public:
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 protected:
  using LogLinearSettings::LogLinearSettings;
};

/// One learned weight a level and head.
class FixedLevelSettings : public LogLinearSettings {
 public:
  [[nodiscard]] bool has_levels() const noexcept override { return true; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 protected:
  using LogLinearSettings::LogLinearSettings;

 private:
  [[nodiscard]] bool identity_init() const noexcept override { return true; }
};

/// Linear in the input (arXiv 2506.04761).
class LinearLevelSettings : public LogLinearSettings {
 public:
  [[nodiscard]] bool has_levels() const noexcept override { return true; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 protected:
  using LogLinearSettings::LogLinearSettings;
};

/// From an MLP (arXiv 2605.06946).
class MlpLevelSettings : public LogLinearSettings {
 public:
  std::int64_t lambda_hidden = 64;  ///< hidden units of the MLP

  [[nodiscard]] Fields fields() override;
  [[nodiscard]] bool has_levels() const noexcept override { return true; }

 protected:
  using LogLinearSettings::LogLinearSettings;
};

/// The MLP, each weight on its own.
class AdaptiveLevelSettings : public MlpLevelSettings {
 public:
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 protected:
  using MlpLevelSettings::MlpLevelSettings;

 private:
  [[nodiscard]] bool identity_init() const noexcept override { return true; }
};

/// The MLP with a softmax over levels: they compete.
class SoftmaxLevelWeightSettings : public MlpLevelSettings {
 public:
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;
};

// The variants of the papers on log-linear attention, without anything around the core.

class FixedDecaySettings final : public MixerSettingsOf<FixedDecaySettings, FixedLevelSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fixed-decay"; }
};
class LinearDecaySettings final : public MixerSettingsOf<LinearDecaySettings, LinearLevelSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "linear-decay"; }
};
class AdaptiveDecaySettings final
    : public MixerSettingsOf<AdaptiveDecaySettings, AdaptiveLevelSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "adaptive-decay"; }
};
class SoftmaxLevelSettings final
    : public MixerSettingsOf<SoftmaxLevelSettings, SoftmaxLevelWeightSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "softmax-level"; }
};
class GatedLinearSettings final : public MixerSettingsOf<GatedLinearSettings, UnitLevelSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "gated-linear"; }
};

}  // namespace recollect
