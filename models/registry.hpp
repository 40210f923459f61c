#pragma once

#include "base/registry.hpp"
#include "models/mixer_settings.hpp"

namespace recollect {

using MixerEntry = RegistryEntry<MixerSettings>;

/// Every variant, in the order in which `recollect list variants` prints them.
[[nodiscard]] const Registry<MixerSettings>& mixers();

/// The options of a variant at their defaults. @throws ConfigError where no variant has that name
[[nodiscard]] std::unique_ptr<MixerSettings> mixer_settings(std::string_view name);

}  // namespace recollect
