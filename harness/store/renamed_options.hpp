#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// Reads the configuration of an experiment whose cells are known by their hashes. Where a name has
/// got another meaning since (selective copying's dialect mad, now mad-uniform), the hashes tell
/// what was meant, and the experiment says so by today's name. Labels that are refused today are
/// taken as they are.
/// @param place  stands for the file in messages @throws ConfigError
[[nodiscard]] Experiment parse_recorded(const std::string& configuration, const std::string& place,
                                        const std::vector<std::string>& hashes);

/// The text that an earlier version wrote in place of this one: today's names become the former
/// ones.
[[nodiscard]] std::string with_former_names(std::string_view text);

}  // namespace recollect
