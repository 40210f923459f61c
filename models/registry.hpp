#pragma once

#include "base/registry.hpp"
#include "models/mixer_settings.hpp"

namespace recollect {

using MixerEntry = RegistryEntry<MixerSettings>;

/// Every variant, in the order in which `recollect list variants` prints them.
[[nodiscard]] const Registry<MixerSettings>& mixers();

/// Adds one behind those that are there, from a program of one's own: register_own() is the place,
/// since nothing may have asked for the list yet. Usually by models/register.hpp.
/// @param entry  its texts must outlive the program @throws ConfigError where the name is taken
void add_mixer(const MixerEntry& entry);

/// The options of a variant at their defaults. @throws ConfigError where no variant has that name
[[nodiscard]] std::unique_ptr<MixerSettings> mixer_settings(std::string_view name);

}  // namespace recollect
