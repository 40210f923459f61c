#pragma once

#include <string>

#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Which labels and names of experiments a configuration may have.
enum class AllowedNames {
  kToday,  ///< that other programs read as texts, and that are no other variant's
  kAny,    ///< those too that an earlier version let pass, and the variant kOutside: what a run
           ///< has written down
};

/// `name`, which tables will hold.
/// @param value  where it stands
/// @param key    in full, for messages: "variants[0].label"
/// @throws ConfigError where programs that read tables take it for something else, unless any name
/// is allowed
[[nodiscard]] std::string allowed_name(std::string name, const YamlValue& value,
                                       const std::string& key, AllowedNames names);

}  // namespace recollect
