#include <fmt/format.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/render/readable_table.hpp"
#include "harness/render/summary_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/history_table.hpp"
#include "harness/results/published.hpp"
#include "harness/results/result_set.hpp"
#include "harness/results/selected_values.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/interruptible.hpp"
#include "python/values.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

std::vector<GroupResult> groups_of(const std::vector<CellResult>& cells,
                                   const std::optional<std::string>& select) {
  if (!select) return group_cells(cells);
  try {
    return select_groups(cells, parse_select(*select));
  } catch (const FieldError& error) {
    throw UsageError(fmt::format("select: {} {}", error.key(), error.detail()));
  }
}

void check_arguments(const std::string& rows, bool published, bool select) {
  if (rows != "groups" && rows != "cells" && rows != "history" && rows != "published") {
    throw UsageError(fmt::format(
        "rows '{}' are unknown; choose one of groups, cells, history, published", rows));
  }
  if ((rows == "published") != published) {
    throw UsageError("rows 'published' and the file `published` belong together");
  }
  if (select && (rows == "cells" || rows == "history")) {
    throw UsageError(fmt::format("select chooses among groups; leave out rows '{}'", rows));
  }
}

/// The rows that were read, and what should be known of them.
struct Read {
  DataTable table;                     ///< but for histories
  std::vector<CellHistory> histories;  ///< which would be large as one table
  std::vector<std::string> warnings;
};

Read read_rows(const std::filesystem::path& results, const std::string& rows,
               const std::vector<std::string>& experiments,
               const std::optional<std::filesystem::path>& published,
               const std::optional<std::string>& select, const StopRequest& stop) {
  ResultSet set = read_result_set(results, experiments, ExactExamples::kLeaveOut, stop);
  Read read{{}, {}, std::move(set.warnings)};
  if (rows == "cells") {
    read.table = cell_table(set.cells);
  } else if (rows == "history") {
    read.histories = read_histories(results, set.cells, read.warnings, stop);
  } else if (rows == "groups") {
    read.table = group_table(groups_of(set.cells, select));
  } else {
    read.table = published_table(
        compare_published(groups_of(set.cells, select), read_published(*published)));
  }
  return read;
}

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& text : warnings) {
    if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 2) != 0) throw py::error_already_set();
  }
}

void append_rows(const DataTable& table, py::list& all) {
  for (const std::vector<Value>& values : table.rows) {
    py::list row;
    for (const Value& value : values) row.append(object_of(value));
    all.append(std::move(row));
  }
}

/// Part by part, so that only Python has all of them; Ctrl-C is looked for between two.
std::vector<std::string> append_histories(const std::vector<CellHistory>& cells, py::list& all) {
  constexpr std::size_t kCells = 100;
  const HistoryTable histories(cells);
  std::vector<std::string> header;
  for (std::size_t first = 0; first < histories.cells(); first += kCells) {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    DataTable part = histories.part(first, first + kCells);
    append_rows(part, all);
    header = std::move(part.header);
  }
  return header;
}

py::tuple table_of(const std::filesystem::path& results, const std::string& rows,
                   const std::vector<std::string>& experiments,
                   const std::optional<std::filesystem::path>& published,
                   const std::optional<std::string>& select) {
  check_arguments(rows, published.has_value(), select.has_value());
  Read read;
  interruptible([&](const StopRequest& stop) {
    read = read_rows(results, rows, experiments, published, select, stop);
  });
  warn(read.warnings);
  py::list all;
  std::vector<std::string> header = std::move(read.table.header);
  if (rows == "history") {
    header = append_histories(read.histories, all);
  } else {
    append_rows(read.table, all);
  }
  return py::make_tuple(py::cast(header), all);
}

std::string summary(const std::filesystem::path& results,
                    const std::vector<std::string>& experiments) {
  std::string text;
  std::vector<std::string> warnings;
  interruptible([&](const StopRequest& stop) {
    ResultSet set = read_result_set(results, experiments, ExactExamples::kLeaveOut, stop);
    warnings = std::move(set.warnings);
    text = summary_text(group_cells(set.cells));
  });
  warn(warnings);
  return text;
}

}  // namespace

void bind_tables(py::module_& module) {
  module.def("_table", &table_of, py::arg("results"), py::arg("rows"), py::arg("experiments"),
             py::arg("published"), py::arg("select"));
  module.def("summary", &summary, py::arg("results"), py::arg("experiments") = py::list(),
             "What `recollect table RESULTS --summary` prints: a line a variant with the seeds "
             "that solved the task and the test accuracy at each length.");
}

}  // namespace recollect::python
