#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <string>

#include "harness/exchange/example_choice.hpp"

namespace recollect::python {

/// A set of examples whose arrays belong to Python.
struct Examples {
  pybind11::array_t<std::int32_t> ids, positions, labels;
  pybind11::dict tags;
  pybind11::object steps;
  std::int64_t vocab = 0;
  std::string digest;
  std::string settings;
  ExampleRequest request;  ///< by which they were made
};

}  // namespace recollect::python
