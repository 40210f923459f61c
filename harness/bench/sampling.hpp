#pragma once

#include <algorithm>
#include <vector>

namespace recollect {

/// One timing of many steps, between two probes of what the machine could do meanwhile.
struct Sample {
  double ms = 0.0;            ///< a step
  double probe_before = 0.0;  ///< GFLOP/s
  double probe_after = 0.0;
  bool accepted = false;

  [[nodiscard]] double probe() const noexcept { return 0.5 * (probe_before + probe_after); }
};

/// How far the two probes of a sample may lie from each other, and from the best probe of the run.
inline constexpr double kProbeTolerance = 0.05;
/// A sample that was disturbed is taken again, so often at most.
inline constexpr int kMostRepeats = 5;

/// Whether the machine was undisturbed: `best` is the fastest probe on as many threads.
[[nodiscard]] bool is_quiet(const Sample& sample, double best) noexcept;

/// Appends one sample, and as long as the last one was disturbed another, kMostRepeats at most.
/// `best` follows the probes.
template <class Take>
void take_sample(std::vector<Sample>& samples, double& best, Take&& take) {
  for (int tries = 0; tries <= kMostRepeats; ++tries) {
    const Sample& sample = samples.emplace_back(take());
    best = std::max({best, sample.probe_before, sample.probe_after});
    if (is_quiet(sample, best)) return;
  }
}

/// Medians over the accepted samples, or over all where none was accepted.
struct Timing {
  double ms = 0.0;        ///< a step
  double probe = 0.0;     ///< GFLOP/s, mean of a sample's two
  double fraction = 0.0;  ///< of the step's rate in that of the sample's own probes
  bool noisy = false;     ///< no sample was accepted
};

/// Accepts what is quiet by the best probe of the whole run, and sums up.
/// @param gflop  nominal work of a step
/// @throws std::logic_error for no samples
[[nodiscard]] Timing summarise_samples(std::vector<Sample>& samples, double best, double gflop);

}  // namespace recollect
