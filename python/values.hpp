#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "base/fields.hpp"
#include "harness/render/json.hpp"
#include "harness/store/value.hpp"

namespace recollect::python {

// Values of ours as Python has them. The interpreter's lock is held.

/// The numbers of a vector as an array, row-major, without a copy: the array owns them.
template <class T>
[[nodiscard]] pybind11::array_t<T> array_of(std::vector<T>&& values,
                                            std::vector<pybind11::ssize_t> shape) {
  auto* const owned = new std::vector<T>(std::move(values));
  const pybind11::capsule owner(owned,
                                [](void* each) { delete static_cast<std::vector<T>*>(each); });
  return pybind11::array_t<T>(std::move(shape), owned->data(), owner);
}

/// An option: int, float, bool, str, None where it is absent, or a list.
[[nodiscard]] pybind11::object object_of(const Field& field);
/// The value of a table's cell.
[[nodiscard]] pybind11::object object_of(const Value& value);
[[nodiscard]] pybind11::object object_of(const Json& json);

}  // namespace recollect::python
