#include "harness/store/archive_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/config/settings.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/provenance.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

TableShape all_of(std::vector<std::string> names) {
  const std::size_t count = names.size();
  return {std::move(names), std::vector<bool>(count, false)};
}

/// A table of a cell as it is.
ArchivedFile plain_file(const std::string& name, const TableShape& columns) {
  const auto pack = [=](const std::string& text) {
    return with_all_columns(parse_csv(text, name), columns, name).rows;
  };
  const auto unpack = [=](const CsvRows& rows) {
    return to_csv(without_empty_columns({columns.names, rows}, columns));
  };
  return {name, name, columns, pack, unpack};
}

/// Slices with a line a slice instead of a line a value, and right positions in the place of
/// accuracies: a fifth of the size.
ArchivedFile slices_file(const std::string& name) {
  const TableShape shape = shape_of(slice_columns());
  const CsvTable header{shape.names, {}};
  const std::size_t value = header.index("value");
  const std::size_t scored = header.index("scored");
  const std::size_t accuracy = header.index("accuracy");
  TableShape packed = shape;
  packed.names[accuracy] = "correct";

  const auto pack = [=](const std::string& text) {
    CsvTable table = with_all_columns(parse_csv(text, name), shape, name);
    CsvRows rows;
    std::vector<std::string> key;
    for (std::vector<std::string>& row : table.rows) {
      const double right = to_real(row[accuracy]) * to_real(row[scored]);
      row[accuracy] = std::to_string(std::llround(right));
      std::vector<std::string> rest = row;
      for (const std::size_t list : {value, scored, accuracy}) rest[list].clear();
      if (rows.empty() || rest != key) {
        rows.push_back(row);
        key = std::move(rest);
        continue;
      }
      for (const std::size_t list : {value, scored, accuracy}) {
        rows.back()[list].append(" ").append(row[list]);
      }
    }
    return rows;
  };
  const auto unpack = [=](const CsvRows& rows) {
    CsvTable table{shape.names, {}};
    for (const std::vector<std::string>& row : rows) {
      const std::vector<std::string> values = words(row[value]);
      const std::vector<std::string> counts = words(row[scored]);
      const std::vector<std::string> right = words(row[accuracy]);
      if (counts.size() != values.size() || right.size() != values.size()) {
        throw IoError(fmt::format("{} values, but {} scored and {} correct", values.size(),
                                  counts.size(), right.size()));
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        std::vector<std::string>& line = table.rows.emplace_back(row);
        line[value] = values[i];
        line[scored] = counts[i];
        line[accuracy] = shortest(to_real(right[i]) / to_real(counts[i]));
      }
    }
    return to_csv(without_empty_columns(std::move(table), shape));
  };
  return {name, name, packed, pack, unpack};
}

ArchivedFile provenance_file() {
  const auto pack = [](const std::string& text) {
    CsvRows rows;
    for (const Provenance& entry : parse_provenance(text, kProvenanceFile)) {
      rows.push_back({entry.work, entry.code_version, entry.cpu, std::to_string(entry.threads),
                      shortest(entry.wall_seconds), entry.digested ? "1" : ""});
    }
    return rows;
  };
  const auto unpack = [](const CsvRows& rows) {
    std::vector<Provenance> entries;
    for (const auto& row : rows) {
      entries.push_back(
          {row[0], row[1], row[2], to_integer(row[3]), to_real(row[4]), !row[5].empty()});
    }
    return provenance_text(entries);
  };
  TableShape columns =
      all_of({"work", "code_version", "cpu", "threads", "wall_seconds", "digested"});
  columns.optional.back() = true;  // an earlier version's archives lack it
  return {"provenance.csv", kProvenanceFile, std::move(columns), pack, unpack};
}

/// A file whose lines are cells of a table. It ends with a line end.
ArchivedFile configs_file() {
  const auto pack = [](const std::string& text) {
    CsvRows rows;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      rows.push_back({text.substr(at, end - at)});
      at = end + 1;
    }
    return rows;
  };
  const auto unpack = [](const CsvRows& rows) {
    std::string text;
    for (const auto& row : rows) text.append(row[0]).append("\n");
    return text;
  };
  return {"configs.csv", "config.yaml", all_of({"line"}), pack, unpack};
}

}  // namespace

bool is_weights(std::string_view file) { return file.ends_with(".safetensors"); }

TableShape behind_cell(TableShape columns) {
  columns.names.insert(columns.names.begin(), "cell");
  columns.optional.insert(columns.optional.begin(), false);
  return columns;
}

const std::vector<ArchivedFile>& archived_files() {
  static const std::vector<ArchivedFile> files = {
      plain_file("history.csv", shape_of(history_columns())),
      plain_file("scores.csv", shape_of(score_columns())),
      plain_file("correct.csv", shape_of(correct_columns())),
      slices_file("slices.csv"),
      slices_file("more_slices.csv"),
      provenance_file(),
      configs_file()};
  return files;
}

const std::vector<std::string>& archive_status_header() {
  static const std::vector<std::string> header = [] {
    std::vector<std::string> names = shape_of(status_columns()).names;
    names.insert(names.begin(), "cell");
    names.emplace_back("files");
    return names;
  }();
  return header;
}

std::vector<std::string> archive_status_row(const std::string& hash, const CellStatus& status,
                                            const CellTexts& texts) {
  std::vector<std::string> row = {hash_in_table(hash)};
  for (const Column<CellStatus>& column : status_columns()) row.push_back(column.text(status));
  std::vector<std::string> files;
  for (const auto& [name, text] : texts) {
    files.push_back(fmt::format("{}:{}", name, hex(hash_text(text))));
  }
  for (const auto& [name, digest] : status.files) {
    if (!texts.contains(name)) files.push_back(fmt::format("{}:{}", name, digest));
  }
  row.push_back(fmt::format("{}", fmt::join(files, " ")));
  return row;
}

CellStatus archived_status(const std::vector<std::string>& row) {
  const auto text = [&](std::string_view column) -> const std::string& {
    const auto& header = archive_status_header();
    const auto found = std::find(header.begin(), header.end(), column);
    return row[static_cast<std::size_t>(found - header.begin())];
  };
  const std::optional<Ending> ending = ending_of(text("status"));
  if (!ending || *ending == Ending::kFailed) {
    throw IoError(
        fmt::format("status '{}' is neither finished nor diverged", printable(text("status"))));
  }
  if (text("numerics_version") != std::to_string(kNumericsVersion)) {
    throw IoError(fmt::format("numerics version {}, but this program computes version {}",
                              printable(text("numerics_version")), kNumericsVersion));
  }
  CellStatus status;
  for (const Column<CellStatus>& column : status_columns()) {
    column.read(status, text(column.name));
  }
  return status;
}

std::map<std::string, std::string> archived_digests(const std::vector<std::string>& row) {
  std::map<std::string, std::string> digests;
  for (const std::string& word : words(row.back())) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) {
      throw IoError(fmt::format("'{}' is not NAME:DIGEST", printable(word)));
    }
    digests[word.substr(0, colon)] = word.substr(colon + 1);
  }
  return digests;
}

}  // namespace recollect
