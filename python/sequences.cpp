#include "python/sequences.hpp"

#include <fmt/format.h>
#include <pybind11/numpy.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>

#include "python/errors.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;
using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

/// Whatever numpy takes for an array; whole numbers alone.
Integers integers_of(const py::object& given, const char* name) {
  const py::array array = py::array::ensure(given);
  if (!array) {
    PyErr_Clear();
    throw UsageError(fmt::format("{} must be an array of integers", name));
  }
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u') {
    throw UsageError(fmt::format("{} must be integers, not {}", name,
                                 py::str(array.dtype()).cast<std::string>()));
  }
  if (array.ndim() != 1 && array.ndim() != 2) {
    throw UsageError(fmt::format("{} must have one or two dimensions, not {}", name, array.ndim()));
  }
  return Integers(array);
}

/// The row up to the first -1, behind which there must be nothing else.
std::vector<std::int32_t> row_of(const std::int64_t* row, py::ssize_t size, std::int64_t limit,
                                 const char* name, py::ssize_t number) {
  std::vector<std::int32_t> values;
  for (py::ssize_t i = 0; i < size; ++i) {
    const bool ended = std::ssize(values) < i;
    if (row[i] == -1) continue;
    if (ended || row[i] < 0 || row[i] >= limit) {
      throw UsageError(
          fmt::format("{}[{}, {}] = {} {}", name, number, i, row[i],
                      ended ? "stands behind a -1" : fmt::format("is not in 0..{}", limit - 1)));
    }
    values.push_back(static_cast<std::int32_t>(row[i]));
  }
  return values;
}

}  // namespace

std::vector<py::ssize_t> Sequences::shape() const {
  std::vector<py::ssize_t> shape;
  if (batched) shape.push_back(std::ssize(ids));
  shape.push_back(static_cast<py::ssize_t>(scored));
  return shape;
}

Sequences sequences_of(const py::object& ids, const py::object& positions, std::int64_t vocab) {
  Sequences all;
  const Integers tokens = integers_of(ids, "ids");
  all.batched = tokens.ndim() == 2;
  const py::ssize_t count = all.batched ? tokens.shape(0) : 1;
  const py::ssize_t width = tokens.shape(tokens.ndim() - 1);
  for (py::ssize_t n = 0; n < count; ++n) {
    all.ids.push_back(row_of(tokens.data() + n * width, width, vocab, "ids", n));
    if (all.ids.back().empty()) throw UsageError(fmt::format("ids[{}] holds no token", n));
    all.longest = std::max(all.longest, std::ssize(all.ids.back()));
    all.tokens += std::ssize(all.ids.back());
  }
  if (positions.is_none()) {
    all.scored = static_cast<std::size_t>(width);
    for (const std::vector<std::int32_t>& row : all.ids) {
      std::vector<std::int32_t>& here = all.positions.emplace_back(row.size());
      std::iota(here.begin(), here.end(), 0);
    }
  } else {
    const Integers places = integers_of(positions, "positions");
    const bool shared = places.ndim() == 1;
    if (!shared && (!all.batched || places.shape(0) != count)) {
      throw UsageError(
          fmt::format("positions are of {} sequences, and ids of {}", places.shape(0), count));
    }
    const py::ssize_t most = places.shape(places.ndim() - 1);
    all.scored = static_cast<std::size_t>(most);
    for (py::ssize_t n = 0; n < count; ++n) {
      const std::int64_t* const row = places.data() + (shared ? 0 : n * most);
      const auto& ids_here = all.ids[static_cast<std::size_t>(n)];
      auto& here =
          all.positions.emplace_back(row_of(row, most, std::ssize(ids_here), "positions", n));
      if (here.empty()) throw UsageError(fmt::format("positions[{}] holds no position", n));
      if (std::adjacent_find(here.begin(), here.end(), std::greater_equal<>()) != here.end()) {
        throw UsageError(fmt::format("positions[{}] do not ascend", n));
      }
    }
  }
  all.labels.assign(all.scored, 0);
  return all;
}

}  // namespace recollect::python
