#include "harness/bench/sampling.hpp"

#include <cmath>

#include "harness/stats/statistics.hpp"

namespace recollect {

bool is_quiet(const Sample& sample, double best) noexcept {
  const auto near = [](double a, double b) {
    return std::abs(a - b) <= kProbeTolerance * std::max(a, b);
  };
  return near(sample.probe_before, sample.probe_after) && near(sample.probe_before, best) &&
         near(sample.probe_after, best);
}

Timing summarise_samples(std::vector<Sample>& samples, double best, double gflop) {
  Timing timing;
  timing.noisy = true;
  for (Sample& sample : samples) {
    sample.accepted = is_quiet(sample, best);
    if (sample.accepted) timing.noisy = false;
  }
  std::vector<double> ms;
  std::vector<double> probes;
  std::vector<double> fractions;
  for (const Sample& sample : samples) {
    if (!sample.accepted && !timing.noisy) continue;
    ms.push_back(sample.ms);
    probes.push_back(sample.probe());
    fractions.push_back(gflop / (sample.ms * 1e-3) / sample.probe());
  }
  timing.ms = median(ms);
  timing.probe = median(probes);
  timing.fraction = median(fractions);
  return timing;
}

}  // namespace recollect
