// Numbers below the smallest normal one: where they are taken as zero, and that nothing else is
// changed.
#include "math/flush_to_zero.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/mixer_fixture.hpp"

namespace recollect {
namespace {

/// 1e-30 * 1e-10, computed here and now.
float subnormal() {
  volatile float small = 1e-30F;
  volatile float smaller = 1e-10F;
  return small * smaller;
}

}  // namespace

TEST_CASE("flush to zero: while it lives, and no longer") {
  CHECK(subnormal() > 0.0F);
  {
    const FlushToZero outer;
    { const FlushToZero inner; }
#if defined(__SSE2__) || defined(__aarch64__)
    CHECK(subnormal() == 0.0F);
#endif
    volatile float normal = std::numeric_limits<float>::min();
    CHECK(normal * 1.0F == std::numeric_limits<float>::min());
  }
  CHECK(subnormal() > 0.0F);
}

#if defined(__SSE2__) || defined(__aarch64__)
TEST_CASE("flush to zero: a gradient that fades along a sequence is zero before it is subnormal") {
  for (const std::string variant : {"mamba-2", "gated-deltanet", "log-linear-mamba-2"}) {
    CAPTURE(variant);
    constexpr Index kTokens = 4096;
    TestModel settings;
    settings.width = 16;
    MixerFixture<float> mixer(*mixers().find(variant), settings, kTokens);
    mixer.set("A_log", 0.0);
    mixer.set("dt_proj.weight", 0.0);
    mixer.set("dt_bias", std::log(std::expm1(0.1)));  // e^-0.1 a token
    const std::vector<std::int32_t> last = {kTokens - 1};
    const Matrix<float> u = normal_matrix<float>(3, kTokens, 16);
    const auto gradients = mixer.gradients(u, Queries{last, false}, normal_matrix<float>(4, 1, 16));
    const float* du = gradients.du.data();
    const auto count = [&](auto&& holds) {
      return std::count_if(du, du + gradients.du.size(), holds);
    };
    CHECK(count([](float x) { return std::fpclassify(x) == FP_NORMAL; }) > 500 * 16);
    CHECK(count([](float x) { return x == 0.0F; }) > 2000 * 16);
    CHECK(count([](float x) { return std::fpclassify(x) == FP_SUBNORMAL; }) == 0);
  }
}
#endif

}  // namespace recollect
