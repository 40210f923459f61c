#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace recollect {

// Where archives stand.

/// DIR/NAME.
[[nodiscard]] std::filesystem::path archive_path(const std::filesystem::path& folder,
                                                 const std::string& experiment);

/// True where `path` holds an archive, whether or not it can be read.
[[nodiscard]] bool is_archive(const std::filesystem::path& path);

/// The archives of a folder: itself, where it is one, and what stands in it, in the order of names.
/// @throws IoError where there is no such folder
[[nodiscard]] std::vector<std::filesystem::path> archive_paths(const std::filesystem::path& folder);

/// DIR/NAME/outside/HASH: the archive of a cell that another program's model made (outside_file),
/// beside the runs of its experiment.
[[nodiscard]] std::filesystem::path outside_archive_path(const std::filesystem::path& folder,
                                                         const std::string& experiment,
                                                         const std::string& hash);

/// archive_paths(), and behind them those of other programs' models. @throws IoError likewise
[[nodiscard]] std::vector<std::filesystem::path> archive_paths_with_outside(
    const std::filesystem::path& folder);

}  // namespace recollect
