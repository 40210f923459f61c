#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/results/history_table.hpp"

namespace recollect {

/// Where the event file of a cell stands, and its bytes.
struct EventFile {
  /// EXPERIMENT/RUN/events.out.tfevents.0.HASH; RUN is label, settings in which cells of the label
  /// differ, seed and hash, "adaptive-decay,pairs=8,seed=3,c0123456789abcdef".
  std::filesystem::path path;
  std::string bytes;
};

/// The event file of each cell, with a number under each column of its history at every evaluation.
[[nodiscard]] std::vector<EventFile> event_files(const std::vector<CellHistory>& cells);

/// Writes these and nothing else into a folder, the whole of it or nothing.
/// @throws IoError, also where something stands in the folder that this function did not write
void write_event_folder(const std::filesystem::path& folder, const std::vector<CellHistory>& cells);

}  // namespace recollect
