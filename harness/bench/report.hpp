#pragma once

#include <string>
#include <vector>

#include "harness/bench/measure.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// Who measured, how: goes into the JSON.
struct BenchOrigin {
  Suite suite = Suite::kSteps;
  BenchSettings settings;
  int threads = 1;
};

/// The whole report with every sample:
///   {"attainable_gflops": ..., "peak_gflops": ..., "rates": [one a number of threads],
///    "cpu": ..., "compiler": ..., "build": ..., "code_version": ..., ...,
///    "rows": [{"variant": ..., "length": ..., "ms_per_step": ..., ..., "samples": [...]}]}
/// A figure that there is not is null.
[[nodiscard]] std::string bench_json(const BenchReport& report, const BenchOrigin& origin);

/// One line a row, with the names of the JSON's rows; samples are counted only.
[[nodiscard]] CsvTable bench_csv(const BenchReport& report);

/// For people: the machine, then a table that shows what the suite is about.
[[nodiscard]] std::string bench_text(const BenchReport& report, const BenchOrigin& origin);

}  // namespace recollect
