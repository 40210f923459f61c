#pragma once

#include <string>
#include <vector>

#include "harness/config/allowed_names.hpp"
#include "harness/config/settings.hpp"

namespace recollect {

/// Reads a configuration, applies `--set key=value` overrides (keys in full: task.length), checks
/// everything and lays out the cells. Writes nothing.
/// @throws ConfigError with file, line, key, value, bound and remedy; IoError if it cannot be read
[[nodiscard]] Experiment load_experiment(const std::string& path,
                                         const std::vector<std::string>& overrides = {});

/// The same from text; `name` stands for the file in messages.
[[nodiscard]] Experiment parse_experiment(const std::string& text, const std::string& name,
                                          const std::vector<std::string>& overrides = {},
                                          AllowedNames names = AllowedNames::kToday);

/// Every key that a configuration may hold, as a Markdown page: type, default, range, meaning.
[[nodiscard]] std::string configuration_reference();

}  // namespace recollect
