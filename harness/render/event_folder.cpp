#include "harness/render/event_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/folder_replacement.hpp"
#include "base/text.hpp"
#include "harness/store/event_file.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

// TensorBoard looks for "tfevents" in the name; what follows is a time, which would differ.
constexpr std::string_view kPrefix = "events.out.tfevents.0.";
constexpr std::size_t kLongestName = 200;  // bytes of a folder's; file systems take 255

bool is_ours(const std::string& name) {
  return name.starts_with(kPrefix) &&
         name.size() == kPrefix.size() + hash_in_table("").size() + 16 &&
         is_cell_hash(hash_of_table(name.substr(kPrefix.size())));
}

/// The options in which cells of a label differ, by experiment and label. Order seeds follow seeds.
using Varying = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

Varying varying_settings(const std::vector<CellHistory>& cells) {
  std::map<std::pair<std::string, std::string>, const CellResult*> first;
  Varying varying;
  for (const CellHistory& history : cells) {
    const CellResult& cell = history.cell;
    const std::pair key(cell.experiment, cell.label);
    const CellResult& other = *first.emplace(key, &cell).first->second;
    for (const Setting& setting : cell.settings) {
      if (setting.name == "train_order_seed") continue;
      if (!(setting_of(other.settings, setting.name) == setting.value)) {
        varying[key].insert(setting.name);
      }
    }
  }
  return varying;
}

/// A text as a part of a path: letters that shells or file systems take for something else are "_".
std::string path_text(std::string_view text, std::size_t longest) {
  constexpr std::string_view kSpecial = " \t/\\:*?\"'<>|$&;`(){}[]!#~";
  std::string name;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = std::max<std::size_t>(1, utf8_length(text.substr(i)));
    if (name.size() + bytes > longest) break;
    const bool special = bytes == 1 && (kSpecial.find(text[i]) != kSpecial.npos);
    name += special ? std::string("_") : std::string(text.substr(i, bytes));
    i += bytes;
  }
  return name;
}

std::string run_name(const CellResult& cell, const std::set<std::string>& varying) {
  std::string text = cell.label;
  for (const Setting& setting : cell.settings) {
    if (!varying.contains(setting.name)) continue;
    const std::string_view name = setting.name;
    text +=
        fmt::format(",{}={}", name.substr(name.starts_with("task_") ? 5 : 0), setting.value.text);
  }
  const std::string tail = fmt::format(",seed={},{}", cell.seed, hash_in_table(cell.cell));
  std::string name = path_text(text, kLongestName - tail.size()) + tail;
  if (name.front() == '.') name.front() = '_';
  return name;
}

std::vector<ScalarEvent> events_of(const std::vector<HistoryRow>& rows) {
  std::vector<ScalarEvent> events;
  for (const HistoryRow& row : rows) {
    ScalarEvent& event = events.emplace_back();
    event.step = row.step;
    for (const Column<HistoryRow>& column : history_columns()) {
      const Value value = column.value(row);
      if (const auto* number = std::get_if<double>(&value)) {
        event.scalars.emplace_back(column.name, *number);
      }
    }
  }
  return events;
}

/// Only folders and event files of ours may be replaced. @throws IoError
void expect_ours(const std::filesystem::path& folder) {
  std::error_code error;
  const auto refuse = [&](const std::string& what) {
    throw IoError(fmt::format("{}: {}; give a new or empty folder, or one of event files alone",
                              folder.string(), what));
  };
  const std::filesystem::file_status status = std::filesystem::status(folder, error);
  if (!std::filesystem::exists(status)) return;
  if (!std::filesystem::is_directory(status)) refuse("is not a folder");
  using Entries = std::filesystem::recursive_directory_iterator;
  for (Entries entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const bool plain =
        !entry->is_symlink() && (entry->is_directory() || is_ours(entry->path().filename()));
    if (!plain)
      refuse(fmt::format("'{}' in it was not written here",
                         entry->path().lexically_relative(folder).string()));
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
}

}  // namespace

std::vector<EventFile> event_files(const std::vector<CellHistory>& cells) {
  const Varying varying = varying_settings(cells);
  std::vector<EventFile> files;
  for (const CellHistory& history : cells) {
    const CellResult& cell = history.cell;
    const auto found = varying.find({cell.experiment, cell.label});
    const std::string run =
        run_name(cell, found == varying.end() ? std::set<std::string>() : found->second);
    files.push_back({std::filesystem::path(path_text(file_stem(cell.experiment), kLongestName)) /
                         run / fmt::format("{}{}", kPrefix, hash_in_table(cell.cell)),
                     event_file(events_of(history.rows))});
  }
  return files;
}

void write_event_folder(const std::filesystem::path& folder,
                        const std::vector<CellHistory>& cells) {
  expect_ours(folder);
  FolderReplacement replacement(folder);
  for (const EventFile& file : event_files(cells)) {
    const std::filesystem::path path = replacement.path() / file.path;
    make_folder(path.parent_path());
    write_file_atomically(path, file.bytes);
  }
  // Written by somebody else meanwhile, something of theirs must not go with the old folder.
  expect_ours(folder);
  replacement.commit();
}

}  // namespace recollect
