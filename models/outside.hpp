#pragma once

#include <memory>
#include <string_view>

#include "models/mixer_settings.hpp"

namespace recollect {

/// What stands in the place of a variant where another program's model was scored: a name without
/// options, of which nothing can be built. It is not among mixers(), so no configuration can ask
/// for it; those that `recollect score` writes have it.
inline constexpr std::string_view kOutside = "outside";

[[nodiscard]] const MixerSettings& outside_settings();

/// mixer_settings(), of kOutside too.
[[nodiscard]] std::unique_ptr<MixerSettings> settings_of_variant(std::string_view name);

}  // namespace recollect
