#include "harness/store/provenance.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

std::string provenance_text(const std::vector<Provenance>& entries) {
  std::string text;
  for (const Provenance& entry : entries) {
    text += fmt::format(
        "- {}: {{code_version: \"{}\", cpu: \"{}\", threads: {}, wall_seconds: {:.3f}}}\n",
        entry.work, entry.code_version, entry.cpu, entry.threads, entry.wall_seconds);
  }
  return text;
}

std::vector<Provenance> parse_provenance(const std::string& text, const std::string& name) {
  std::vector<Provenance> entries;
  try {
    for (const YamlValue& item : parse_yaml(text, name).items) {
      if (item.entries.size() != 1) throw IoError(fmt::format("{}: not one piece of work", name));
      const YamlEntry& work = item.entries.front();
      const auto value = [&](const char* key) {
        const YamlValue* found = work.value.find(key);
        if (found == nullptr) throw IoError(fmt::format("{}: '{}' is missing", work.place, key));
        return found->text;
      };
      entries.push_back({work.key, value("code_version"), value("cpu"),
                         to_integer(value("threads")), to_real(value("wall_seconds"))});
    }
  } catch (const ConfigError& error) {
    throw IoError(error.what());
  }
  return entries;
}

}  // namespace recollect
