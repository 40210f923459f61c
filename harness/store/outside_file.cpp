#include "harness/store/outside_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/file.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect {
void write_outside_file(const std::filesystem::path& out, const std::string& experiment,
                        const Cell& cell) {
  const std::filesystem::path folder = out / kOutsideFolder / file_stem(experiment);
  make_folder(folder);
  write_file_atomically(folder / (cell.hash() + ".yaml"),
                        fmt::format("{}---\nnumerics_version: {}\ncells:\n- \"{}\"\n",
                                    cell.yaml(experiment), kNumericsVersion, cell.hash()));
}

std::vector<std::filesystem::path> outside_files(const std::filesystem::path& out,
                                                 const std::string& experiment) {
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator(out / kOutsideFolder, none)) {
    const std::string name = folder.path().filename().string();
    if (!experiment.empty() && name != file_stem(experiment)) continue;
    std::error_code unreadable;
    for (const auto& file : std::filesystem::directory_iterator(folder.path(), unreadable)) {
      if (file.path().extension() == ".yaml" && is_cell_hash(file.path().stem().string())) {
        files.push_back(file.path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace recollect
