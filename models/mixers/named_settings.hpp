#pragma once

#include <string_view>

#include "models/mixers/log_linear_settings.hpp"

namespace recollect {

// Variants that a name and the options that it sets make of the same mixer.

/// Queries and keys of length 1, convolutions of four taps, an RMS norm of each head.
[[nodiscard]] inline LinearOptions delta_options(CoreOutput output) {
  LinearOptions options;
  options.update = Update::kDelta;
  options.qk_norm = QkNorm::kL2;
  options.qkv_conv = 4;
  options.output = output;
  return options;
}
/// Mamba-2 (arXiv 2405.21060) with one B and C a head.
[[nodiscard]] inline LinearOptions mamba_options() {
  LinearOptions options;
  options.qkv_conv = 4;
  options.value_scale = ValueScale::kDt;
  options.skip = true;
  options.output = CoreOutput::kGateRms;
  return options;
}

/// DeltaNet (arXiv 2406.06484).
class DeltaNetSettings final : public MixerSettingsOf<DeltaNetSettings, UnitLevelSettings> {
 public:
  DeltaNetSettings() : MixerSettingsOf(delta_options(CoreOutput::kRms), Gate::kNone) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "deltanet"; }
};

/// Gated DeltaNet (arXiv 2412.06464).
class GatedDeltaNetSettings final
    : public MixerSettingsOf<GatedDeltaNetSettings, UnitLevelSettings> {
 public:
  GatedDeltaNetSettings() : MixerSettingsOf(delta_options(CoreOutput::kRmsGate)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "gated-deltanet"; }
};

/// Log-linear Gated DeltaNet (arXiv 2506.04761).
class LogLinearDeltaNetSettings final
    : public MixerSettingsOf<LogLinearDeltaNetSettings, LinearLevelSettings> {
 public:
  LogLinearDeltaNetSettings() : MixerSettingsOf(delta_options(CoreOutput::kRmsGate)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "log-linear-deltanet"; }
};

/// The same with level weights from an MLP: adaptive decay (arXiv 2605.06946) on another hierarchy.
class AdaptiveDeltaNetSettings final
    : public MixerSettingsOf<AdaptiveDeltaNetSettings, AdaptiveLevelSettings> {
 public:
  AdaptiveDeltaNetSettings() : MixerSettingsOf(delta_options(CoreOutput::kRmsGate)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "adaptive-deltanet"; }
};

class Mamba2Settings final : public MixerSettingsOf<Mamba2Settings, UnitLevelSettings> {
 public:
  Mamba2Settings() : MixerSettingsOf(mamba_options()) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "mamba-2"; }
};

/// Log-linear Mamba-2 (arXiv 2506.04761).
class LogLinearMamba2Settings final
    : public MixerSettingsOf<LogLinearMamba2Settings, LinearLevelSettings> {
 public:
  LogLinearMamba2Settings() : MixerSettingsOf(mamba_options()) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "log-linear-mamba-2"; }
};

class AdaptiveMamba2Settings final
    : public MixerSettingsOf<AdaptiveMamba2Settings, AdaptiveLevelSettings> {
 public:
  AdaptiveMamba2Settings() : MixerSettingsOf(mamba_options()) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "adaptive-mamba-2"; }
};

}  // namespace recollect
