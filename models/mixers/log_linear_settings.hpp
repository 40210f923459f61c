#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"
#include "models/mixers/log_linear_mixer.hpp"

namespace recollect {

/// How the first layer of a log-linear model is computed, where it sees token ids alone: by id, or
/// by row. Exact either way, but last bits differ.
enum class FirstLayerPath { kIds, kRows };

/// The options that every log-linear variant has.
class LogLinearSettings : public MixerSettings {
 public:
  Gate gate = Gate::kInput;
  std::int64_t chunk = 64;  ///< tokens that the chunkwise form handles densely; a power of two
  FirstLayerPath first_layer = FirstLayerPath::kIds;

  [[nodiscard]] Fields fields() override;
  void validate(const ModelSettings& model) const override;
  [[nodiscard]] std::string_view first_layer_path(const ModelSettings& model,
                                                  std::int64_t vocab) const override;

 protected:
  /// A layer whose level weights `make` makes, as LogLinearMixer takes it.
  template <class S, class Make>
  [[nodiscard]] std::unique_ptr<Mixer<S>> layer(const LayerContext& context,
                                                ParameterLayout& layout, const Make& make) const {
    return std::make_unique<LogLinearMixer<S>>(context, core(context), make, layout);
  }
  /// Whether `init: identity` is defined: lambda starts at 1.
  [[nodiscard]] virtual bool identity_init() const noexcept { return false; }

 private:
  [[nodiscard]] LogLinearCore core(const LayerContext& context) const;
};

/// `fixed-decay`: one learned weight a level and head.
class FixedDecaySettings final : public MixerSettingsOf<FixedDecaySettings, LogLinearSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fixed-decay"; }
  [[nodiscard]] bool has_levels() const noexcept override { return true; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 private:
  [[nodiscard]] bool identity_init() const noexcept override { return true; }
};

/// `linear-decay`: level weights linear in the input (arXiv 2506.04761).
class LinearDecaySettings final : public MixerSettingsOf<LinearDecaySettings, LogLinearSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "linear-decay"; }
  [[nodiscard]] bool has_levels() const noexcept override { return true; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;
};

/// Level weights from an MLP (arXiv 2605.06946).
class MlpDecaySettings : public LogLinearSettings {
 public:
  std::int64_t lambda_hidden = 64;  ///< hidden units of the MLP

  [[nodiscard]] Fields fields() override;
  [[nodiscard]] bool has_levels() const noexcept override { return true; }
};

/// `adaptive-decay`: each weight on its own.
class AdaptiveDecaySettings final
    : public MixerSettingsOf<AdaptiveDecaySettings, MlpDecaySettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "adaptive-decay"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;

 private:
  [[nodiscard]] bool identity_init() const noexcept override { return true; }
};

/// `softmax-level`: levels compete.
class SoftmaxLevelSettings final : public MixerSettingsOf<SoftmaxLevelSettings, MlpDecaySettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "softmax-level"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;
};

/// `gated-linear`: no levels, one state.
class GatedLinearSettings final : public MixerSettingsOf<GatedLinearSettings, LogLinearSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "gated-linear"; }
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const;
};

}  // namespace recollect
