#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/file.hpp"

namespace recollect {

/// Every file below a folder, by its path from there, and its bytes: all that must not differ from
/// run to run, so without provenance.
inline std::map<std::string, std::string> result_files(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "provenance.yaml") continue;
    files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

}  // namespace recollect
