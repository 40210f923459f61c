#include "harness/store/provenance.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

namespace {

/// What is known of the work, as the file holds it.
std::string facts_of(const Provenance& entry) {
  return fmt::format("code_version: \"{}\", cpu: \"{}\", threads: {}, wall_seconds: {:.3f}",
                     entry.code_version, entry.cpu, entry.threads, entry.wall_seconds);
}

std::string digest_of(const Provenance& entry) {
  return hex(hash_text(fmt::format("{}: {}", entry.work, facts_of(entry))));
}

}  // namespace

Provenance work_of_this_build(std::string work, std::string cpu, std::int64_t threads,
                              double wall_seconds) {
  return {std::move(work), std::string(code_version()), std::move(cpu), threads, wall_seconds};
}

std::string provenance_text(const std::vector<Provenance>& entries) {
  std::string text;
  for (const Provenance& entry : entries) {
    text += fmt::format("- {}: {{{}{}}}\n", entry.work, facts_of(entry),
                        entry.digested ? fmt::format(", digest: \"{}\"", digest_of(entry)) : "");
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
      const YamlValue* digest = work.value.find("digest");
      entries.push_back({work.key, value("code_version"), value("cpu"),
                         to_integer(value("threads")), to_real(value("wall_seconds")),
                         digest != nullptr});
      if (digest != nullptr && digest->text != digest_of(entries.back())) {
        throw IoError(fmt::format("{}: was changed after it was written: its digest is another one",
                                  work.place));
      }
    }
  } catch (const ConfigError& error) {
    throw IoError(error.what());
  }
  return entries;
}

}  // namespace recollect
