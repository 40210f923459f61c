#pragma once

#include <memory>
#include <string_view>

#include "models/registry.hpp"

namespace recollect {

/// Adds a variant by its settings class, for a program of one's own: in register_own().
/// @param name, description  must outlive the program @throws ConfigError where the name is taken
template <class Settings>
void register_mixer(std::string_view name, std::string_view description) {
  add_mixer({name, description,
             []() -> std::unique_ptr<MixerSettings> { return std::make_unique<Settings>(); }});
}

}  // namespace recollect
