#include "harness/store/cell_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/store/checkpoint.hpp"

namespace recollect {
namespace {

constexpr std::uint64_t kLargestStatus = 1 << 16;

/// In the order in which a run writes them.
constexpr std::array<const char*, 8> kDigested{
    "config.yaml", "history.csv",     "final.safetensors", "best.safetensors",
    "slices.csv",  "more_slices.csv", "correct.csv",       "scores.csv"};
constexpr const char* kNeedsNoWeights = "without_weights";

template <class Row>
void write_rows(const std::filesystem::path& path, const std::vector<Column<Row>>& columns,
                const std::vector<Row>& rows) {
  write_file_atomically(path, to_csv(to_table(columns, rows)));
}

std::string read_checked(const std::filesystem::path& path, const FileDigests& digests,
                         std::uint64_t limit, const char* kind) {
  std::string bytes = read_file(path, limit, kind);
  const auto digest = digests.find(path.filename().string());
  if (digest != digests.end() && hex(hash_text(bytes)) != digest->second) {
    throw IoError(
        fmt::format("{} was changed after the cell was done: status.yaml has another "
                    "digest of it",
                    path.string()));
  }
  return bytes;
}

template <class Row>
std::vector<Row> read_rows(const std::filesystem::path& path,
                           const std::vector<Column<Row>>& columns, const FileDigests& digests) {
  if (!file_exists(path)) return {};
  const std::string name = path.string();
  return from_table(columns, parse_csv(read_checked(path, digests, kLargestText, "table"), name),
                    name);
}

}  // namespace

CellFolder::CellFolder(const std::filesystem::path& out, const std::string& hash)
    : path_(out / "cells" / hash) {}

std::filesystem::path CellFolder::weights_path(Weights weights) const {
  return path_ / (name_of(weights) + ".safetensors");
}

std::optional<CellStatus> CellFolder::read_status() const {
  const std::filesystem::path file = path_ / "status.yaml";
  if (!file_exists(file)) return std::nullopt;
  return parse_status(read_file(file, kLargestStatus, "status file"), file.string());
}

void CellFolder::write_status(const CellStatus& status) const {
  write_text("status.yaml", status_text(status));
}

void CellFolder::remove_status() const { remove_file(path_ / "status.yaml"); }

bool CellFolder::weightless() const {
  return !file_exists(weights_path(Weights::kFinal)) && !file_exists(weights_path(Weights::kBest));
}

void CellFolder::remove_weights() const {
  for (const Weights weights : {Weights::kFinal, Weights::kBest}) {
    remove_file(weights_path(weights));
  }
}

void CellFolder::remove_results() const {
  remove_status();  // first: with it the cell counts as done
  for (const std::string file : kDigested) {
    if (file != "config.yaml") remove_file(path_ / file);
  }
}

bool CellFolder::needs_no_weights() const { return file_exists(path_ / kNeedsNoWeights); }

void CellFolder::write_needs_no_weights() const { write_text(kNeedsNoWeights, ""); }

void CellFolder::remove_needs_no_weights() const { remove_file(path_ / kNeedsNoWeights); }

FileDigests CellFolder::digests() const {
  FileDigests digests;
  for (const std::string file : kDigested) {
    if (file_exists(path_ / file)) digests[file] = hex(hash_text(read_file(path_ / file)));
  }
  return digests;
}

std::vector<ScoreRow> CellFolder::read_scores(const FileDigests& digests) const {
  const std::filesystem::path path = path_ / "scores.csv";
  std::vector<ScoreRow> rows = read_rows(path, score_columns(), digests);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!has_numbers(rows[i])) continue;
    if (const std::string fault = fault_of(rows[i]); !fault.empty()) {
      throw IoError(fmt::format("{}:{}: {}", path.string(), i + 2, fault));
    }
  }
  return rows;
}

std::vector<SliceRow> CellFolder::read_slices(const FileDigests& digests) const {
  return read_rows(path_ / "slices.csv", slice_columns(), digests);
}

std::vector<SliceRow> CellFolder::read_more_slices(const FileDigests& digests) const {
  return read_rows(path_ / "more_slices.csv", slice_columns(), digests);
}

std::vector<CorrectRow> CellFolder::read_correct(const FileDigests& digests) const {
  const std::filesystem::path path = path_ / "correct.csv";
  if (!file_exists(path)) return {};
  const std::string name = path.string();
  return correct_rows(parse_csv(read_checked(path, digests, kLargestText, "table"), name), name);
}

void CellFolder::write_scores(ScoreTables tables) const {
  const auto sort_by_key = [](auto& rows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.key < b.key; });
  };
  sort_by_key(tables.scores);
  sort_by_key(tables.slices);
  sort_by_key(tables.more_slices);
  sort_by_key(tables.correct);
  write_rows(path_ / "slices.csv", slice_columns(), tables.slices);
  const auto write_or_remove = [&](const char* name, const auto& columns, const auto& rows) {
    if (rows.empty()) {
      remove_file(path_ / name);  // of another training
    } else {
      write_rows(path_ / name, columns, rows);
    }
  };
  write_or_remove("more_slices.csv", slice_columns(), tables.more_slices);
  write_or_remove("correct.csv", correct_columns(), tables.correct);
  write_rows(path_ / "scores.csv", score_columns(), tables.scores);
}

void CellFolder::remove_state() const { Checkpoints(path_, {}, {}).remove(); }

void CellFolder::remove_unfinished_writes() const {
  constexpr std::array<std::string_view, 13> kWritten{"config.yaml",
                                                      "history.csv",
                                                      "scores.csv",
                                                      "slices.csv",
                                                      "more_slices.csv",
                                                      "correct.csv",
                                                      "status.yaml",
                                                      "final.safetensors",
                                                      "best.safetensors",
                                                      "provenance.yaml",
                                                      kNeedsNoWeights,
                                                      "state.safetensors",
                                                      "state.previous.safetensors"};
  for (const std::string_view file : kWritten) remove_leftovers(path_, std::string(file));
}

void CellFolder::write_history(const std::vector<HistoryRow>& history) const {
  write_rows(path_ / "history.csv", history_columns(), history);
}

void CellFolder::write_text(const std::string& file, const std::string& text) const {
  write_file_atomically(path_ / file, text);
}

std::string CellFolder::read_text(const std::string& file, const FileDigests& digests) const {
  return read_checked(path_ / file, digests, kLargestFile, "file of this kind");
}

std::vector<ScoreKey> wanted_scores(const Cell& cell) {
  const std::vector<TaskPart> parts = scored_parts(cell);
  std::vector<ScoreKey> wanted;
  for (const Weights weights : {Weights::kFinal, Weights::kBest}) {
    for (const Split split : {Split::kValidation, Split::kTest}) {
      for (const TaskPart& part : parts) {
        const std::int64_t examples =
            split == Split::kTest ? part.examples : cell.train.validation_examples;
        wanted.push_back({weights, split, part.task->length, examples,
                          name_of(cell.eval.unseen_levels), part.settings});
      }
    }
  }
  return wanted;
}

std::shared_ptr<const TaskSettings> task_of(const Cell& cell, const ScoreKey& key) {
  for (const TaskPart& part : scored_parts(cell)) {
    if (part.task->length == key.eval_length && part.settings == key.settings) return part.task;
  }
  throw std::logic_error("a score of settings that the cell is not scored at");
}

Missing missing_of(const CellFolder& folder, const ScoreTables& tables, const Cell& cell,
                   const ScoreKey& wanted) {
  const auto score = std::find_if(tables.scores.begin(), tables.scores.end(),
                                  [&](const ScoreRow& row) { return answers(row, wanted); });
  if (score == tables.scores.end()) return Missing::kScore;
  const auto has_row_of_score = [&](const auto& rows) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.key == score->key; });
  };
  const bool has_bits = wanted.split != Split::kTest || has_row_of_score(tables.correct);
  const bool has_slices = cell.task->more_tags().empty() || has_row_of_score(tables.more_slices);
  const bool whole = has_bits && has_slices;
  if (whole || !file_exists(folder.weights_path(wanted.weights))) return Missing::kNothing;
  return Missing::kAdditions;
}

bool answers(const ScoreRow& row, const ScoreKey& wanted) {
  ScoreKey key = wanted;
  if (!row.unseen_level) key.unseen_levels.clear();
  return row.key == key;
}

}  // namespace recollect
