#include "harness/store/archive_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/archive_files.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/outside_file.hpp"

namespace recollect {
namespace {

/// The folder and those that stand in it, in the order of names. @throws IoError
std::vector<std::filesystem::path> with_folders_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places = {folder};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const bool hidden = entry.path().filename().string().starts_with('.');  // half written
    if (!hidden && entry.is_directory()) places.push_back(entry.path());
  }
  if (error) {
    throw IoError(fmt::format("cannot read {}: {}; give a folder of archives", folder.string(),
                              error.message()));
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

std::filesystem::path archive_path(const std::filesystem::path& folder,
                                   const std::string& experiment) {
  return folder / file_stem(experiment);
}

bool is_archive(const std::filesystem::path& path) { return file_exists(path / kStatusTable); }

std::vector<std::filesystem::path> archive_paths(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places = with_folders_in(folder);
  std::erase_if(places, [](const auto& place) { return !is_archive(place); });
  return places;
}

std::filesystem::path outside_archive_path(const std::filesystem::path& folder,
                                           const std::string& experiment, const std::string& hash) {
  return archive_path(folder, experiment) / kOutsideFolder / hash;
}

std::vector<std::filesystem::path> archive_paths_with_outside(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places, outside;
  for (const std::filesystem::path& place : with_folders_in(folder)) {
    if (is_archive(place)) places.push_back(place);
    if (!std::filesystem::is_directory(place / kOutsideFolder)) continue;
    const std::vector<std::filesystem::path> own = archive_paths(place / kOutsideFolder);
    outside.insert(outside.end(), own.begin(), own.end());
  }
  places.insert(places.end(), outside.begin(), outside.end());
  return places;
}

}  // namespace recollect
