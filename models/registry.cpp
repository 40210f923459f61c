#include "models/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/error.hpp"
#include "base/growing_registry.hpp"
#include "models/mixers/full_quadratic.hpp"
#include "models/mixers/gated_convolution.hpp"
#include "models/mixers/gla.hpp"
#include "models/mixers/log_linear_settings.hpp"
#include "models/mixers/named_settings.hpp"
#include "models/mixers/softmax_settings.hpp"

namespace recollect {
namespace {

template <class Settings>
std::unique_ptr<MixerSettings> defaults() {
  return std::make_unique<Settings>();
}

// A table, not self-registering objects: a static library drops objects that nobody names.
constexpr std::array kMixers{
    MixerEntry{"fixed-decay",
               "log-linear attention, one learned weight a level, whatever the input",
               &defaults<FixedDecaySettings>},
    MixerEntry{"linear-decay",
               "log-linear attention, level weights linear in the input (2506.04761)",
               &defaults<LinearDecaySettings>},
    MixerEntry{"adaptive-decay", "log-linear attention, level weights from an MLP (2605.06946)",
               &defaults<AdaptiveDecaySettings>},
    MixerEntry{"softmax-level", "the same MLP with a softmax over levels: they compete",
               &defaults<SoftmaxLevelSettings>},
    MixerEntry{"gated-linear", "gated linear attention: no levels, one state",
               &defaults<GatedLinearSettings>},
    MixerEntry{"full-quadratic", "causal softmax attention, the quadratic reference",
               &defaults<FullQuadraticSettings>},
    MixerEntry{"deltanet", "the delta rule: a key's old value is replaced (2406.06484)",
               &defaults<DeltaNetSettings>},
    MixerEntry{"gated-deltanet", "the delta rule with a decay gate (2412.06464)",
               &defaults<GatedDeltaNetSettings>},
    MixerEntry{"log-linear-deltanet",
               "the gated delta rule on levels, their weights linear in the input (2506.04761)",
               &defaults<LogLinearDeltaNetSettings>},
    MixerEntry{"adaptive-deltanet", "the gated delta rule on levels, their weights from an MLP",
               &defaults<AdaptiveDeltaNetSettings>},
    MixerEntry{"mamba-2", "Mamba-2: a gated state, convolution, skip and output gate (2405.21060)",
               &defaults<Mamba2Settings>},
    MixerEntry{"log-linear-mamba-2",
               "Mamba-2 on levels, their weights linear in the input (2506.04761)",
               &defaults<LogLinearMamba2Settings>},
    MixerEntry{"adaptive-mamba-2", "Mamba-2 on levels, their weights from an MLP",
               &defaults<AdaptiveMamba2Settings>},
    MixerEntry{"sliding-window", "causal softmax attention over the last keys alone",
               &defaults<SlidingWindowSettings>},
    MixerEntry{"gla", "gated linear attention that forgets channel by channel (2312.06635)",
               &defaults<GlaSettings>},
    MixerEntry{"gated-convolution", "a short convolution times a gate, no heads (2312.04927)",
               &defaults<GatedConvolutionSettings>},
};

GrowingRegistry<MixerSettings>& registry() {
  static GrowingRegistry<MixerSettings> all(kMixers);
  return all;
}

}  // namespace

const Registry<MixerSettings>& mixers() { return registry().all(); }

void add_mixer(const MixerEntry& entry) {
  if (registry().add(entry)) return;
  throw ConfigError(
      fmt::format("variant '{}' is registered twice; give yours another name", entry.name));
}

std::unique_ptr<MixerSettings> mixer_settings(std::string_view name) {
  const MixerEntry* entry = mixers().find(name);
  if (entry == nullptr) {
    throw ConfigError(
        fmt::format("unknown variant '{}'; known: {}", name, fmt::join(mixers().names(), ", ")));
  }
  return entry->settings();
}

std::string identity_init_error(std::string_view variant) {
  return fmt::format(
      "= identity is not defined for {}; in the list of variants, give it to those alone whose "
      "lambda is fixed or made by an MLP with softplus, as fixed-decay and adaptive-decay",
      variant);
}

}  // namespace recollect
