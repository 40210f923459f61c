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
#include "harness/results/published.hpp"
#include "harness/results/result_set.hpp"
#include "harness/results/selected_values.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
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

/// A table, and what should be known of it.
struct Read {
  DataTable table;
  std::vector<std::string> warnings;
};

Read read_table(const std::filesystem::path& results, const std::string& rows,
                const std::vector<std::string>& experiments,
                const std::optional<std::filesystem::path>& published,
                const std::optional<std::string>& select) {
  if (rows != "groups" && rows != "cells" && rows != "published") {
    throw UsageError(
        fmt::format("rows '{}' are unknown; choose one of groups, cells, published", rows));
  }
  if ((rows == "published") != published.has_value()) {
    throw UsageError("rows 'published' and the file `published` belong together");
  }
  if (rows == "cells" && select) {
    throw UsageError("select chooses among groups; leave out rows 'cells'");
  }
  ResultSet set = read_result_set(results, experiments, ExactExamples::kLeaveOut);
  Read read{{}, std::move(set.warnings)};
  if (rows == "cells") {
    read.table = cell_table(set.cells);
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

py::tuple table_of(const std::filesystem::path& results, const std::string& rows,
                   const std::vector<std::string>& experiments,
                   const std::optional<std::filesystem::path>& published,
                   const std::optional<std::string>& select) {
  Read read;
  {
    const py::gil_scoped_release unlocked;
    read = read_table(results, rows, experiments, published, select);
  }
  warn(read.warnings);
  py::list all;
  for (const std::vector<Value>& values : read.table.rows) {
    py::list row;
    for (const Value& value : values) row.append(object_of(value));
    all.append(std::move(row));
  }
  return py::make_tuple(py::cast(read.table.header), all);
}

std::string summary(const std::filesystem::path& results,
                    const std::vector<std::string>& experiments) {
  std::string text;
  std::vector<std::string> warnings;
  {
    const py::gil_scoped_release unlocked;
    ResultSet set = read_result_set(results, experiments, ExactExamples::kLeaveOut);
    warnings = std::move(set.warnings);
    text = summary_text(group_cells(set.cells));
  }
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
