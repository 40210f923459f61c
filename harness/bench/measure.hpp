#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/agreement.hpp"
#include "harness/bench/cases.hpp"
#include "harness/bench/sampling.hpp"

namespace recollect {

struct BenchSettings {
  int samples = 5;               ///< accepted ones wanted for each row
  double seconds = 0.2;          ///< of a sample
  double probe_seconds = 0.015;  ///< of a probe beside a sample
};

/// What the machine reached on one number of threads, GFLOP/s: best of several probes each.
struct MachineRates {
  double peak = 0.0;   ///< fused multiply-adds in registers
  double eigen = 0.0;  ///< 64 x 64 x 64 products of Eigen
  double own = 0.0;    ///< of product_nn<float>
  /// The fastest product that was seen, beside samples too: what is attainable on this machine.
  double attainable = 0.0;

  [[nodiscard]] double share_of_peak() const noexcept { return attainable / peak; }
};

enum class RowStatus {
  kOk,
  kDisagrees,  ///< with its slow twin: no figure is given
  kSkipped,
};

/// A row relative to the first of its group.
struct RelativeTiming {
  double time_ratio = 1.0;    ///< of a step
  double work_ratio = 1.0;    ///< of the nominal counts, over all cells at once
  double probe_ratio = 1.0;   ///< of the rates that the probes beside the samples showed
  bool noisy = false;         ///< one of the two is
  double tokens_ratio = 1.0;  ///< of the tokens of a step

  /// How many times the work gets done in the same time.
  [[nodiscard]] double speedup() const noexcept { return work_ratio / time_ratio; }
  /// Speed-up relative to what the machine offered more.
  [[nodiscard]] double efficiency() const noexcept { return speedup() / probe_ratio; }
  /// Of time and of nominal counts, a token.
  [[nodiscard]] double token_time_ratio() const noexcept { return time_ratio / tokens_ratio; }
  [[nodiscard]] double token_work_ratio() const noexcept { return work_ratio / tokens_ratio; }
  /// Time relative to what its work makes one expect: 1 / speedup.
  [[nodiscard]] double excess() const noexcept { return time_ratio / work_ratio; }
};

/// A model option may take so much more time than its nominal work makes one expect.
inline constexpr double kExcessBound = 1.5;

/// One measured case. Figures are absent unless the status is kOk.
struct BenchRow {
  BenchCase what;
  RowStatus status = RowStatus::kOk;
  std::string note;  ///< why there is no figure, or what is to be known about it
  std::optional<Agreement> agreement;
  double nominal_gflop = 0.0;        ///< of a step of all cells: 2 operations a multiply-add, and
                                     ///< training counts as three forward passes
  std::int64_t state_floats = 0;     ///< that decoding keeps after the sequence
  std::int64_t steps = 0;            ///< of a sample
  std::int64_t workspace_bytes = 0;  ///< of the lane that took most
  std::vector<Sample> samples;       ///< all of them
  Timing timing;
  std::optional<RelativeTiming> relative;

  [[nodiscard]] std::int64_t tokens() const noexcept;  ///< of a step of all cells
  [[nodiscard]] double gflops() const noexcept { return nominal_gflop / timing.ms * 1e3; }
  [[nodiscard]] double tokens_per_second() const noexcept {
    return static_cast<double>(tokens()) / timing.ms * 1e3;
  }
};

struct BenchReport {
  std::map<int, MachineRates> rates;  ///< by threads
  std::vector<BenchRow> rows;
};

/// Measures every case. A case is compared with its twin first; if they disagree, it is not timed.
/// @param say  receives the progress, in lines
[[nodiscard]] BenchReport run_bench(const std::vector<BenchGroup>& groups,
                                    const BenchSettings& settings, const Twin& twin,
                                    const std::function<void(const std::string&)>& say);

}  // namespace recollect
