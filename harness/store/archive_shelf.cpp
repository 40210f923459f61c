#include "harness/store/archive_shelf.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/provenance.hpp"

namespace recollect {
namespace {

/// The provenance of a cell whose archive has none.
std::string restored_text() {
  return provenance_text({work_of_this_build("restoring", "not recorded", 1, 0.0)});
}

}  // namespace

ArchiveShelf::ArchiveShelf(const std::vector<std::filesystem::path>& folders) {
  for (const std::filesystem::path& folder : folders) {
    const std::vector<std::filesystem::path> places = archive_paths(folder);
    if (places.empty()) {
      notes_.push_back(
          fmt::format("{} holds no archive, none with a {}", folder.string(), kStatusTable));
    }
    for (const std::filesystem::path& place : places) {
      try {
        archives_.push_back(read_archive(place));
      } catch (const IoError& failure) {
        notes_.push_back(
            one_line(fmt::format("not using the archive {}: {}", place.string(), failure.what())));
      }
    }
  }
}

std::vector<ArchiveShelf::Place> ArchiveShelf::find(const std::string& hash) const {
  std::vector<Place> places;
  for (const Archive& archive : archives_) {
    const auto cell = archive.cells.find(hash);
    if (cell != archive.cells.end()) places.push_back({&archive, &cell->second});
  }
  return places;
}

std::string why_not_whole(const ArchivedCell& cell) {
  const bool finished = cell.status.ending == Ending::kFinished;
  std::vector<std::string> expected = {kConfigFile, "history.csv"};
  if (finished) expected.insert(expected.end(), {"scores.csv", "slices.csv"});
  for (const std::string& name : expected) {
    if (!cell.texts.contains(name)) return fmt::format("a cell without {}", name);
  }
  for (const ScoreRow& row : cell.scores) {
    if (!has_numbers(row)) return fmt::format("a cell of which {}", fault_of(row));
  }
  return "";
}

void restore_cell(const ArchivedCell& cell, const CellFolder& folder) {
  make_folder(folder.path());
  folder.remove_unfinished_writes();
  folder.remove_results();  // of another training
  if (cell.status.files.contains("final.safetensors")) {
    folder.write_needs_no_weights();
  } else {
    folder.remove_needs_no_weights();
  }
  if (!cell.texts.contains(kProvenanceFile)) folder.write_text(kProvenanceFile, restored_text());
  for (const auto& [name, text] : cell.texts) {
    if (name != kStatusFile) folder.write_text(name, text);
  }
  folder.write_text(kStatusFile, cell.texts.at(kStatusFile));
  folder.remove_state();
}

}  // namespace recollect
