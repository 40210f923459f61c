#pragma once

#include <string>

#include "harness/sweep/plan.hpp"

namespace recollect::cli {

/// What a run would do and cost, as text: cells, parameters, memory, time. Takes a few real steps
/// of each kind of cell to learn their time; writes nothing.
[[nodiscard]] std::string describe_dry_run(const RunPlan& plan, const std::string& out);

}  // namespace recollect::cli
