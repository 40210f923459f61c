#pragma once

/// All that a mixer written as a forward pass may want: a TapeMixer's base, the operations of the
/// tape, and settings for a mixer that has no options. docs/adding_a_variant.md shows
/// what forward() looks like.
#include <memory>

#include "models/mixer_settings.hpp"
#include "models/mixers/tape_mixer.hpp"
#include "models/tape/add_row.hpp"
#include "models/tape/causal.hpp"
#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/queries.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/core.hpp"

namespace recollect {

/// What the settings of a mixer without options write alike: a layer is a Made<S>(context, layout).
template <class Own, template <class> class Made>
class SettingsOfMixer : public MixerSettingsOf<Own> {
 public:
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext& context,
                                                     ParameterLayout& layout) const {
    return std::make_unique<Made<S>>(context, layout);
  }
};

}  // namespace recollect
