#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/config/settings.hpp"

namespace recollect::python {

/// An experiment as Python holds it; nobody changes it.
using SharedExperiment = std::shared_ptr<const Experiment>;

/// A cell, which keeps its experiment alive.
struct CellRef {
  SharedExperiment experiment;
  std::size_t place = 0;  ///< in it, from 0

  [[nodiscard]] const Cell& cell() const { return experiment->cells[place]; }
};

/// "test". @throws UsageError
[[nodiscard]] Split split_named(const std::string& name);

/// A number of threads as an argument: 0 is all cores that this process may keep busy.
/// @throws UsageError where it is below 0
[[nodiscard]] int threads_of(int asked);

}  // namespace recollect::python
