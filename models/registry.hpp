#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// What a mixer needs to know to be built as one layer of a model.
struct MixerContext {
  const ModelSettings& settings;
  std::int64_t levels;     ///< L, the number of levels that the model has weights for
  std::string prefix;      ///< of the layer's tensor names, "layers.0."
  std::int64_t vocab = 0;  ///< of a first layer, V; 0 for the others
};

/// One line of the table of variants.
struct MixerEntry {
  std::string_view name;
  std::string_view description;
  /// Model options that this variant has no use for, separated by blanks: they do not tell cells
  /// apart.
  std::string_view unused_options;
  bool uses_levels;    ///< false: no lambda, so longer sequences never meet an untrained level
  bool identity_init;  ///< true: `init: identity` is defined
  std::unique_ptr<Mixer<float>> (*make_float)(const MixerContext&, ParameterLayout&);
  std::unique_ptr<Mixer<double>> (*make_double)(const MixerContext&, ParameterLayout&);

  [[nodiscard]] bool uses(std::string_view option) const noexcept;

  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make(const MixerContext& context,
                                               ParameterLayout& layout) const;
};

/// Every variant, in the order in which `recollect list variants` prints them.
[[nodiscard]] std::span<const MixerEntry> mixers() noexcept;

/// @returns null where no variant has that name
[[nodiscard]] const MixerEntry* find_mixer(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string> mixer_names();

}  // namespace recollect
