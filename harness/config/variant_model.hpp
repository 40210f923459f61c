#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/config/draft.hpp"

namespace recollect {

// From what a configuration says of a variant to the mixer of each layer. The options of an entry
// of a pattern are, in this order, its own map's, what its name sets, and those of `model:`; the
// map of the variant is for the layers of the variant and for what stands around all mixers.

/// The pattern that holds for a variant: its own, else that of `model:` or of the grid.
[[nodiscard]] const Pattern& pattern_of(const Draft& draft, const VariantEntry& variant);

/// Whether a layer of the variant has such an option of `model:`, which its name does not set.
[[nodiscard]] bool has_use(const Draft& draft, const VariantEntry& variant,
                           std::string_view option);

/// Whether what `model:` or the grid says of an option reaches a layer of the variant: has_use(),
/// and no map of its own says something else.
[[nodiscard]] bool takes(const Draft& draft, const VariantEntry& variant, std::string_view option);

/// A variant at one combination of the grid, valid by itself.
/// @param index  of the variant in the list
/// @param combination  what stands behind messages, see Reporter
/// @throws ConfigError
[[nodiscard]] VariantSettings resolve_variant(const Draft& draft, const VariantEntry& variant,
                                              std::size_t index, const std::string& combination);

}  // namespace recollect
