#include "harness/config/allowed_names.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/misread.hpp"

namespace recollect {

std::string allowed_name(std::string name, const YamlValue& value, const std::string& key,
                         AllowedNames names) {
  const std::string as = names == AllowedNames::kToday ? misread_as(name) : "";
  if (as.empty()) return name;
  throw ConfigError(fmt::format(
      "{}: {} = {}: programs that read tables take it for {}; take another name, e.g. {}",
      value.place, key, value.shown(), as, yaml_quoted(fmt::format("run {}", name))));
}

}  // namespace recollect
