#pragma once

#include <string>

#include "harness/config/draft.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/settings.hpp"

namespace recollect {

/// The experiment of a plan: every variant at every combination of the grid and with every seed,
/// checked by the rules between sections.
/// @param file    as given on the command line
/// @param places  of what stands at the top of the configuration, and under "" the head of the file
/// @throws ConfigError where a rule does not hold, two cells are the same, or the resolved
/// configuration is too long to be read back
[[nodiscard]] Experiment lay_out(const Plan& plan, const std::string& file, const PlaceMap& places);

}  // namespace recollect
