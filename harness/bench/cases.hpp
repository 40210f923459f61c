#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// What a step does: forward, backward and update; forward alone; forward in the memory of the
/// states (SequenceModel::stream).
enum class BenchMode { kTrain, kScore, kStream };

/// What the command line asks for. What it leaves open, the suite fills in.
struct BenchShape {
  std::vector<std::string> variants;   ///< empty: the suite's
  std::vector<std::int64_t> lengths;   ///< empty: the suite's
  std::optional<std::int64_t> batch;   ///< absent: the suite's
  std::int64_t pairs = 8;              ///< K of MQAR: scored positions of a sequence
  std::vector<std::string> overrides;  ///< "model.KEY=value", as --set takes them
  bool shortcuts = true;               ///< false: without the exact algebraic shortcuts
  int threads = 1;
  BenchMode mode = BenchMode::kTrain;
};

/// The cells of a shape, lengths outermost: a configuration like any other, with its checks. MQAR
/// and training as they are by default, but for what the shape says.
/// @throws ConfigError where a length has no room for the pairs, or an option is wrong
[[nodiscard]] std::vector<Cell> bench_cells(const BenchShape& shape);

/// One row of a benchmark: a shape, and who computes it.
struct BenchCase {
  std::string name;  ///< what distinguishes it from the others of its suite
  Cell cell;
  Execution execution;
  int threads = 1;  ///< of each cell
  int cells = 1;    ///< at once; more than one has one thread each
  BenchMode mode = BenchMode::kTrain;
  std::string skipped;  ///< why it is not measured; empty: it is
};

/// Cases whose samples are taken in turn, so that a slow moment of the machine meets all alike.
struct BenchGroup {
  std::vector<BenchCase> cases;
  bool compare = false;  ///< the others with the first
};

/// What the options suite calls the model without a change.
inline constexpr const char* kPlainCase = "plain";

enum class Suite { kSteps, kOptions, kGrowth, kScaling };

/// The measurements of a suite. @throws ConfigError as bench_cells() does
[[nodiscard]] std::vector<BenchGroup> suite_groups(Suite suite, const BenchShape& shape);

/// `full-quadratic` is not measured beyond this length unless somebody asks for the length.
inline constexpr std::int64_t kLongestQuadratic = 16384;

}  // namespace recollect
