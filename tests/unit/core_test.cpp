#include <Random123/philox.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "math/fenwick.hpp"
#include "math/portable_math.hpp"
#include "math/rng.hpp"

namespace recollect {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words philox(const Words& counter, std::array<std::uint32_t, 2> key) {
  const r123::Philox4x32::ctr_type in = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type with = {{key[0], key[1]}};
  const r123::Philox4x32::ctr_type out = r123::Philox4x32{}(in, with);
  return {out[0], out[1], out[2], out[3]};
}

Words next_words(Rng& rng) { return {rng.bits(), rng.bits(), rng.bits(), rng.bits()}; }

// Distance of `value` from `exact` in units in the last place of a double of that size.
double ulps(double value, long double exact) {
  const double size = std::abs(static_cast<double>(exact));
  const double unit = std::nextafter(size, std::numeric_limits<double>::infinity()) - size;
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact)) / unit;
}

}  // namespace

TEST_CASE("rng: Philox4x32-10 gives Random123's published answers") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  Rng zero(0, static_cast<Stream>(0), 0);
  CHECK(next_words(zero) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
}

TEST_CASE("rng: the counter is (block, index low, index high, stream), the key is the seed") {
  const std::uint64_t seed = 0x299f31d0a4093822ULL;
  const std::uint64_t index = 0x13198a2e85a308d3ULL;
  Rng rng(seed, Stream::kTest, index);
  for (std::uint32_t block = 0; block < 5; ++block) {
    CAPTURE(block);
    CHECK(next_words(rng) == philox({block, 0x85a308d3, 0x13198a2e, 3}, {0xa4093822, 0x299f31d0}));
  }
}

TEST_CASE("rng: seeds, streams and indices give different numbers") {
  std::set<Words> seen;
  std::size_t drawn = 0;
  const std::uint64_t high = std::uint64_t{1} << 32;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, high}) {
    for (const Stream stream : {Stream::kTrain, Stream::kValidation, Stream::kTest, Stream::kOrder,
                                Stream::kInit, Stream::kDropout}) {
      for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, high}) {
        Rng rng(seed, stream, index);
        for (int block = 0; block < 3; ++block, ++drawn) seen.insert(next_words(rng));
      }
    }
  }
  CHECK(seen.size() == drawn);
}

TEST_CASE("rng: the first values of a stream are pinned") {
  Rng bits(7, Stream::kTrain, 3);
  CHECK(next_words(bits) == Words{0x03bd06c2, 0xc871d001, 0xb935dccd, 0x5b3afe37});
  Rng integers(7, Stream::kTrain, 3);
  std::vector<std::uint32_t> below;
  for (int i = 0; i < 8; ++i) below.push_back(integers.below(100));
  CHECK(below == std::vector<std::uint32_t>{1, 78, 72, 35, 51, 2, 73, 92});
  Rng reals(7, Stream::kTrain, 3);
  CHECK(reals.uniform() == 0x1.de83616438ec0p-7);
  CHECK(reals.uniform() == 0x1.726bb99ab675fp-1);
  Rng normals(7, Stream::kTrain, 3);
  CHECK(normals.normal() == -0x1.edd4ddc434c35p-2);
  CHECK(normals.normal() == -0x1.6efe59f8c2fc3p+1);
  CHECK(normals.normal() == -0x1.cf2e4b4ce0d5bp-4);
}

TEST_CASE("rng: a later block is where a stream comes to") {
  Rng stream(7, Stream::kDropout, 3);
  for (int i = 0; i < 4 * 5; ++i) (void)stream.bits();
  Rng later(7, Stream::kDropout, 3, 5);
  for (int i = 0; i < 10; ++i) CHECK(later.bits() == stream.bits());
}

TEST_CASE("rng: below and between stay in range and reach both ends") {
  Rng rng(1, Stream::kOrder, 0);
  for (const std::uint32_t bound : {1U, 2U, 3U, 7U, 100U}) {
    CAPTURE(bound);
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 5000; ++i) seen.insert(rng.below(bound));
    CHECK(seen.size() == bound);
    CHECK(*seen.rbegin() == bound - 1);
  }
  for (int i = 0; i < 1000; ++i) CHECK(rng.below(0xffffffffU) < 0xffffffffU);
  std::set<std::int32_t> between;
  for (int i = 0; i < 1000; ++i) between.insert(rng.between(-2, 3));
  CHECK(between == std::set<std::int32_t>{-2, -1, 0, 1, 2, 3});
}

TEST_CASE("rng: uniform is an odd multiple of 2^-53 inside (0, 1)") {
  Rng rng(2, Stream::kInit, 5);
  double lowest = 1.0;
  double highest = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.uniform();
    lowest = std::min(lowest, u);
    highest = std::max(highest, u);
    const double scaled = u * 0x1p53;
    REQUIRE(scaled == std::floor(scaled));
    REQUIRE(std::fmod(scaled, 2.0) == 1.0);
  }
  CHECK(lowest > 0.0);
  CHECK(lowest < 1e-3);
  CHECK(highest < 1.0);
  CHECK(highest > 1.0 - 1e-3);
}

TEST_CASE("rng: a sampler draws distinct values, each draw from its generator alone") {
  Sampler used;
  Rng other(9, Stream::kTrain, 1);
  for (int i = 0; i < 20; ++i) static_cast<void>(used.draw(other, 50 - i, 20));
  for (const auto& drawn : {std::pair{1, 0}, {1, 1}, {5, 5}, {50, 7}, {200, 200}}) {
    const std::int32_t size = drawn.first;
    const std::int32_t count = drawn.second;
    CAPTURE(size);
    Sampler fresh;
    Rng one(4, Stream::kTrain, 2);
    Rng two(4, Stream::kTrain, 2);
    const auto a = used.draw(one, size, count);
    const auto b = fresh.draw(two, size, count);
    CHECK(std::ranges::equal(a, b));
    const std::set<std::int32_t> different(a.begin(), a.end());
    REQUIRE(std::ssize(different) == count);
    if (count > 0) {
      CHECK(*different.begin() >= 0);
      CHECK(*different.rbegin() < size);
    }
  }
}

TEST_CASE("rng: name_index is 64-bit FNV-1a") {
  CHECK(name_index("") == 0xcbf29ce484222325ULL);
  CHECK(name_index("a") == 0xaf63dc4c8601ec8cULL);
  CHECK(name_index("foobar") == 0x85944171f73967e8ULL);
}

TEST_CASE("portable_math: log is within 4 units in the last place") {
  double worst = 0.0;
  const auto check = [&](double x) {
    worst = std::max(worst, ulps(portable::log(x), std::log(static_cast<long double>(x))));
  };
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    for (int i = 0; i < 64; ++i) check(std::ldexp(1.0 + i / 64.0 + i * 1e-9, exponent));
  }
  for (int i = 1; i < 20000; ++i) {
    check(1.0 + i * 1e-5);
    check(1.0 - i * 4e-5);
    check(1.0 + i * 0x1p-52);
    check(1.0 - i * 0x1p-53);
  }
  CHECK(worst < 4.0);
  CHECK(portable::log(1.0) == 0.0);
}

TEST_CASE("portable_math: exp is within 4 units in the last place") {
  double worst = 0.0;
  for (int i = -700000; i <= 700000; ++i) {
    const double x = i * 1e-3;
    worst = std::max(worst, ulps(portable::exp(x), std::exp(static_cast<long double>(x))));
    const double small = i * 1e-6;
    worst = std::max(worst, ulps(portable::exp(small), std::exp(static_cast<long double>(small))));
  }
  CHECK(worst < 4.0);
  CHECK(portable::exp(0.0) == 1.0);
}

TEST_CASE("portable_math: what has no number as its result") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  CHECK(portable::log(kInfinity) == kInfinity);
  CHECK(std::isnan(portable::log(kNan)));
  CHECK(std::isnan(portable::exp(kNan)));
  CHECK(portable::exp(kInfinity) == kInfinity);
  CHECK(portable::exp(709.5) == kInfinity);
  CHECK(portable::exp(-kInfinity) == 0.0);
  CHECK(portable::exp(-708.5) == 0.0);
  CHECK(portable::exp(-707.9) > 0.0);
  CHECK(portable::exp(-104.0F) == 0.0F);
  CHECK(std::isnan(portable::power(kNan, 3)));
}

TEST_CASE("portable_math: powers are as near as they are said to be") {
  for (const double x : {0.9, 0.999, 0.5, 1.0001, 3.0}) {
    for (const std::uint64_t n : {0ULL, 1ULL, 2ULL, 3ULL, 7ULL, 100ULL, 601ULL, 5999ULL}) {
      const auto exact = std::pow(static_cast<long double>(x), static_cast<long double>(n));
      if (exact < 1e-300L || exact > 1e300L) continue;
      CAPTURE(x);
      CAPTURE(n);
      const double steps = n < 2 ? 0.0 : std::log2(static_cast<double>(n));
      // Errors of the squares add up with their powers: at most n halves of a unit, far fewer here.
      CHECK(ulps(portable::power(x, n), exact) <= 2.0 * static_cast<double>(n) + steps + 2.0);
    }
  }
}

TEST_CASE("portable_math: cosine and sine of a turn are within 1e-15") {
  const long double two_pi = 2.0L * std::acos(-1.0L);
  double worst = 0.0;
  const auto check = [&](double u) {
    const auto angle = two_pi * static_cast<long double>(u);
    const auto cosine = std::abs(static_cast<long double>(portable::cos_turn(u)) - std::cos(angle));
    const auto sine = std::abs(static_cast<long double>(portable::sin_turn(u)) - std::sin(angle));
    worst = std::max({worst, static_cast<double>(cosine), static_cast<double>(sine)});
  };
  for (int i = 0; i < 1000000; ++i) check(i * 1e-6 + (i % 7) * 1e-8);
  for (int eighth = 1; eighth <= 8; ++eighth) {
    for (int i = 1; i < 100; ++i) check(eighth / 8.0 - i * 0x1p-53);
  }
  CHECK(worst < 1e-15);
  CHECK(portable::cos_turn(0.0) == 1.0);
  CHECK(portable::sin_turn(0.25) == 1.0);
  CHECK(portable::cos_turn(0.5) == -1.0);
  CHECK(portable::sin_turn(0.75) == -1.0);
}

TEST_CASE("fenwick: levels are those of the recurrent form's binary carry") {
  // On token t, levels 0..z merge into level z + 1, z the trailing zeros of t; t starts level 0.
  std::vector<int> expected;  // level of each token so far
  for (std::int64_t t = 0; t < 600; ++t) {
    if (t > 0) {
      int zeros = 0;
      while ((t >> zeros) % 2 == 0) ++zeros;
      for (int& held : expected) held = held <= zeros ? zeros + 1 : held;
    }
    expected.push_back(0);
    for (std::int64_t s = 0; s <= t; ++s) {
      REQUIRE(level(t, s) == expected[static_cast<std::size_t>(s)]);
    }
    const std::set<int> held(expected.begin(), expected.end());
    REQUIRE(occupied_levels(t + 1) == static_cast<int>(held.size()));
  }
}

TEST_CASE("fenwick: the number of levels is ceil(log2 T) + 1") {
  CHECK(level_count(1) == 1);
  CHECK(level_count(2) == 2);
  CHECK(level_count(3) == 3);
  CHECK(level_count(4) == 3);
  CHECK(level_count(5) == 4);
  CHECK(level_count(128) == 8);
  CHECK(level_count(129) == 9);
  CHECK(level_count(65536) == 17);
  CHECK(occupied_levels(0) == 0);
  for (std::int64_t length = 1; length < 300; ++length) {
    int highest = 0;
    for (std::int64_t t = 0; t < length; ++t) highest = std::max(highest, level(t, 0));
    REQUIRE(level_count(length) == highest + 1);
  }
}

TEST_CASE("fenwick: blocks cover the prefix from the nearest to the first token") {
  for (std::int64_t t = 0; t < 600; ++t) {
    std::int64_t next = t;
    for_each_block(t, [&](int l, std::int64_t first, std::int64_t count) {
      REQUIRE(first + count - 1 == next);
      REQUIRE(count == (l == 0 ? 1 : std::int64_t{1} << (l - 1)));
      for (std::int64_t s = first; s < first + count; ++s) REQUIRE(level(t, s) == l);
      next = first - 1;
    });
    REQUIRE(next == -1);
  }
}

}  // namespace recollect
