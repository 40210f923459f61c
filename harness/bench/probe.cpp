#include "harness/bench/probe.hpp"

#include <numeric>

#include "harness/bench/clock.hpp"
#include "math/eigen.hpp"
#include "math/parallel.hpp"
#include "models/kernels/products.hpp"

namespace recollect {
namespace {

constexpr Index kSide = 64;
constexpr Index kSquare = kSide * kSide;
// Between two looks at the clock: some tens of microseconds.
constexpr int kProducts = 16;
constexpr long kChainRounds = 10000;

}  // namespace

RateProbe::RateProbe(int threads)
    : threads_(threads), matrices_(static_cast<std::size_t>(threads)) {
  for (auto& numbers : matrices_) numbers.assign(3 * kSquare, 0.01F);
}

double RateProbe::run_some(Probe probe, int thread) {
  float* a = matrices_[static_cast<std::size_t>(thread)].data();
  float* b = a + kSquare;
  float* c = b + kSquare;
  if (probe == Probe::kPeak) return run_multiply_adds(kChainRounds, *c);
  for (int product = 0; product < kProducts; ++product) {
    if (probe == Probe::kOwn) {
      product_nn<float>(view(a, kSide, kSide), view(b, kSide, kSide), view(c, kSide, kSide));
    } else {
      eigen(view(c, kSide, kSide)).noalias() =
          eigen(view(a, kSide, kSide)) * eigen(view(b, kSide, kSide));
    }
  }
  return 2.0 * kSide * kSide * kSide * kProducts;
}

double RateProbe::measure(Probe probe, double seconds) {
  std::vector<double> work(matrices_.size());
  const double begin = seconds_now();
  parallel_for(threads_, threads_, [&](int item, int) {
    // Until a moment, not so and so often: a thread that has to wait for its core then only does
    // less, and no number of rounds must be found.
    do {
      work[static_cast<std::size_t>(item)] += run_some(probe, item);
    } while (seconds_now() - begin < seconds);
  });
  return std::accumulate(work.begin(), work.end(), 0.0) / (seconds_now() - begin) * 1e-9;
}

}  // namespace recollect
