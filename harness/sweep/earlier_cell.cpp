#include "harness/sweep/earlier_cell.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace recollect {
namespace {

/// Tables without which the cells of an earlier version are whole. A run adds to them the rows of
/// the scores that it asks for, and of no others that are in scores.csv.
constexpr std::array<const char*, 2> kAdditions{"more_slices.csv", "correct.csv"};

/// @returns how many others there were
template <class Row>
std::size_t keep_rows_of(const std::vector<Row>& kept, std::vector<Row>& rows) {
  std::set<ScoreKey> keys;
  for (const Row& row : kept) keys.insert(row.key);
  return std::erase_if(rows, [&](const Row& row) { return !keys.contains(row.key); });
}

/// Leaves in `fresh` the rows of those scores alone that the additions of `mine` tell of.
void remove_further_rows(const CellFolder& mine, const FileDigests& digests,
                         const CellFolder& fresh) {
  ScoreTables kept;
  try {
    kept.more_slices = mine.read_more_slices(digests);
    kept.correct = mine.read_correct(digests);
  } catch (const IoError&) {  // damaged: the comparison will show it
    return;
  }
  ScoreTables tables{fresh.read_scores(), fresh.read_slices(), fresh.read_more_slices(),
                     fresh.read_correct()};
  // A file without a digest may have lost rows: it is compared as it is, and so is a lost one.
  const auto whole = [&](const char* name) {
    return digests.contains(name) && file_exists(mine.path() / name);
  };
  std::size_t others = 0;
  if (whole("more_slices.csv")) others += keep_rows_of(kept.more_slices, tables.more_slices);
  if (whole("correct.csv")) others += keep_rows_of(kept.correct, tables.correct);
  if (others > 0) fresh.write_scores(std::move(tables));
}

}  // namespace

void make_like_earlier(const CellFolder& mine, const std::optional<CellStatus>& kept,
                       const CellFolder& fresh) {
  for (const char* name : kAdditions) {
    const bool listed = kept && kept->files.contains(name);
    if (!listed && !file_exists(mine.path() / name)) {
      std::filesystem::remove(fresh.path() / name);
    }
  }
  if (!kept) return;
  CellStatus status = fresh.read_status().value();
  if (status.ending == Ending::kFinished) remove_further_rows(mine, kept->files, fresh);
  status.code_version = kept->code_version;
  status.compiler = kept->compiler;
  status.build = kept->build;
  if (kept->files.empty()) {
    status.files.clear();
  } else {
    for (const char* name : kAdditions) status.files.erase(name);
    const FileDigests digests = fresh.digests();
    for (const char* name : kAdditions) {
      const auto digest = digests.find(name);
      if (digest != digests.end()) status.files.insert(*digest);
    }
  }
  fresh.write_status(status);
  // A status may lack the digest of itself.
  constexpr const char* kDigest = "\ndigest: ";
  if (mine.read_text("status.yaml").find(kDigest) != std::string::npos) return;
  const std::string text = fresh.read_text("status.yaml");
  fresh.write_text("status.yaml",
                   text.substr(0, std::min(text.rfind(kDigest), text.size() - 1) + 1));
}

std::string in_todays_form(std::string_view name, std::string text) {
  if (name != "correct.csv") return text;
  try {
    const std::string file(name);
    const CsvTable table = parse_csv(text, file);
    const auto exact = table.find("exact");
    const bool todays = !exact || table.rows.empty() || table.rows[0][*exact].starts_with('x');
    if (todays) return text;
    return to_csv(to_table(correct_columns(), correct_rows(table, file)));
  } catch (const IoError&) {  // the comparison will show it
    return text;
  }
}

}  // namespace recollect
