#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// What a step does: forward, backward and update, or forward alone.
enum class BenchMode { kTrain, kScore };

/// What a benchmark measures: MQAR with the defaults of training, but for these.
struct BenchShape {
  std::vector<std::string> variants;
  std::vector<std::int64_t> lengths;
  std::int64_t batch = 64;
  std::int64_t pairs = 8;              ///< K, scored positions a sequence
  std::vector<std::string> overrides;  ///< "model.KEY=value", as --set takes them
  bool savings = true;                 ///< false: without the exact algebraic savings
};

/// The cells of a shape, lengths outermost: a configuration like any other, with its checks.
/// @throws ConfigError where a length has no room for the pairs, or an option is wrong
[[nodiscard]] std::vector<Cell> bench_cells(const BenchShape& shape);

}  // namespace recollect
