// Chi-square tests of what the generators draw. Seeds are fixed, so a test that passes once passes
// always. Each test shows its own power: it must accept the generator, and reject a copy of it in
// which the likeliest cell is 2 % too likely.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "math/rng.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"
#include "tests/support/tasks_twin.hpp"

namespace recollect {
namespace {

constexpr double kRejectBelow = 1e-4;

double tail_probability(double statistic, std::size_t degrees) {
  const boost::math::chi_squared distribution(static_cast<double>(degrees));
  return boost::math::cdf(boost::math::complement(distribution, statistic));
}

// Probability of counts at least this far from `expected`, which holds probabilities of the cells.
double p_value(const std::vector<double>& counts, const std::vector<double>& expected) {
  double total = 0.0;
  for (const double count : counts) total += count;
  double statistic = 0.0;
  for (std::size_t cell = 0; cell < counts.size(); ++cell) {
    const double mean = total * expected[cell];
    REQUIRE(mean > 20.0);
    statistic += (counts[cell] - mean) * (counts[cell] - mean) / mean;
  }
  return tail_probability(statistic, counts.size() - 1);
}

// Independent draws of one quantity, and beside them the same draws skewed by 2 %.
class Histogram {
 public:
  Histogram(std::string name, std::vector<double> expected)
      : name_(std::move(name)),
        expected_(std::move(expected)),
        skewed_cell_(
            static_cast<std::size_t>(std::ranges::max_element(expected_) - expected_.begin())),
        fair_(expected_.size()),
        skewed_(expected_.size()),
        rng_(name_index(name_), Stream::kOrder, 0) {
    const double p = expected_[skewed_cell_];
    moved_ = 0.02 * p / (1.0 - p);
  }
  Histogram(std::string name, std::size_t cells)
      : Histogram(std::move(name), std::vector<double>(cells, 1.0 / static_cast<double>(cells))) {}

  template <class Int>
  void add(Int value) {
    const auto cell = static_cast<std::size_t>(value);
    fair_.at(cell) += 1.0;
    skewed_[rng_.uniform() < moved_ ? skewed_cell_ : cell] += 1.0;
  }

  void check() const {
    CAPTURE(name_);
    CHECK(p_value(fair_, expected_) > kRejectBelow);
    CHECK(p_value(skewed_, expected_) < kRejectBelow);
  }

 private:
  std::string name_;
  std::vector<double> expected_;
  std::size_t skewed_cell_;
  double moved_ = 0.0;  // the share of draws that goes to the skewed cell whatever was drawn
  std::vector<double> fair_;
  std::vector<double> skewed_;
  Rng rng_;
};

// Calls visit(i, example) for examples 0..count-1.
template <class Visit>
void for_each_example(const TaskSettings& settings, std::uint64_t count, Visit&& visit) {
  const auto task = settings.make();
  Example example;
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < count; ++i) {
    task->example({1, Split::kTrain, i}, example, scratch);
    visit(static_cast<std::size_t>(i), example);
  }
}

// Numbers the subsets of places, in the order in which they are first asked for.
class Placements {
 public:
  std::size_t number(const Example& example) {
    std::uint64_t mask = 0;
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      mask |= std::uint64_t{1} << (example.positions[r] - twin::tags(example, r).lag);
    }
    return numbers_.try_emplace(mask, numbers_.size()).first->second;
  }

 private:
  std::map<std::uint64_t, std::size_t> numbers_;
};

std::vector<double> slot_weights(std::size_t slots) {
  std::vector<double> weights;
  for (std::size_t i = 1; i <= slots; ++i) {
    weights.push_back(std::pow(static_cast<double>(i), 0.01 - 1.0));
  }
  return weights;
}

double sum(const std::vector<double>& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total;
}

}  // namespace

TEST_CASE("tasks: the chi-square test accepts a fair source and rejects one skewed by 2 %") {
  constexpr std::size_t kCells = 16;
  const std::vector<double> expected(kCells, 1.0 / kCells);
  std::vector<double> fair(kCells);
  std::vector<double> skewed(kCells);
  std::mt19937_64 source(11);
  for (int i = 0; i < 8000000; ++i) {
    const double u = static_cast<double>(source() >> 11) * 0x1p-53;
    fair[static_cast<std::size_t>(u * kCells)] += 1.0;
    // Cell 0 has 1.02 / 16 of the unit interval, the others share the rest.
    const double first = 1.02 / kCells;
    const double rest = 1.0 + (u - first) / (1.0 - first) * (kCells - 1);
    skewed[u < first ? 0 : std::min(kCells - 1, static_cast<std::size_t>(rest))] += 1.0;
  }
  CHECK(p_value(fair, expected) > kRejectBelow);
  CHECK(p_value(skewed, expected) < kRejectBelow);
  CHECK(tail_probability(3.841458820694124, 1) == doctest::Approx(0.05));
}

TEST_CASE("rng: chi-square of below, uniform and normal") {
  Rng rng(1, Stream::kOrder, 0);
  Histogram seven("below 7", 7);
  Histogram many("below 63", 63);
  // Without rejection, numbers divisible by 3 would come up twice as often as the others.
  Histogram large("below 3 * 2^30, modulo 3", 3);
  for (int i = 0; i < 4000000; ++i) {
    seven.add(rng.below(7));
    large.add(rng.below(3U << 30) % 3);
  }
  for (int i = 0; i < 40000000; ++i) many.add(rng.below(63));
  seven.check();
  large.check();
  many.check();

  Histogram uniform("uniform", 16);
  for (int i = 0; i < 8000000; ++i) uniform.add(rng.uniform() * 16.0);
  uniform.check();

  // Pairs of successive normals, in sixteenths and in quarters of equal probability.
  std::vector<double> edges;
  for (int i = 1; i < 16; ++i) {
    edges.push_back(boost::math::quantile(boost::math::normal(), i / 16.0));
  }
  const auto bin = [&](double z) {
    return static_cast<std::size_t>(std::ranges::upper_bound(edges, z) - edges.begin());
  };
  Histogram first("first normal of a pair", 16);
  Histogram second("second normal of a pair", 16);
  Histogram both("both normals of a pair", 16);
  for (int i = 0; i < 8000000; ++i) {
    const std::size_t a = bin(rng.normal());
    const std::size_t b = bin(rng.normal());
    first.add(a);
    second.add(b);
    both.add(a / 4 * 4 + b / 4);
  }
  first.check();
  second.check();
  both.check();
}

TEST_CASE("rng: a sampler draws every ordered sample equally often") {
  Rng rng(2, Stream::kOrder, 0);
  Sampler sampler;
  Histogram pairs("2 of 5", 20);
  Histogram orders("3 of 3", 6);
  for (int i = 0; i < 8000000; ++i) {
    const auto two = sampler.draw(rng, 5, 2);
    pairs.add(two[0] * 4 + two[1] - (two[1] > two[0] ? 1 : 0));
    const auto three = sampler.draw(rng, 3, 3);
    orders.add(three[0] * 2 + (three[1] > three[2] ? 1 : 0));
  }
  pairs.check();
  orders.check();
}

TEST_CASE("tasks: chi-square of mqar keys, values, query order and filler") {
  for (const MqarFiller filler : {MqarFiller::kRandom, MqarFiller::kClean}) {
    for (const MqarLayout layout : {MqarLayout::kPacked, MqarLayout::kPowerLaw}) {
      MqarSettings settings;
      settings.layout = layout;
      settings.filler = filler;
      settings.length = 25;
      settings.pairs = 3;
      settings.vocab = 16;
      settings.offset = 1;
      const bool packed = layout == MqarLayout::kPacked;
      const bool clean = filler == MqarFiller::kClean;
      CAPTURE(packed);
      CAPTURE(clean);
      Histogram keys("keys", 7);
      Histogram values("values", 8);
      Histogram order("query order", 6);
      Histogram fill("filler", clean ? 12 : packed ? 15 : 16);
      std::vector<std::uint8_t> taken(25);
      for_each_example(settings, 4000000, [&](std::size_t i, const Example& example) {
        const auto& ids = example.ids;
        // One pair an example: those of one example are drawn without replacement.
        keys.add(ids[1 + 2 * (i % 3)] - 1);
        values.add(ids[2 + 2 * (i % 3)] - 8);
        if (packed) {
          const auto pair = [&](std::size_t r) { return twin::tags(example, r).pair; };
          order.add(pair(0) * 2 + (pair(1) > pair(2) ? 1 : 0));
        }
        std::ranges::fill(taken, std::uint8_t{0});
        for (const std::int32_t p : example.positions) taken[static_cast<std::size_t>(p)] = 1;
        for (const std::size_t p : {std::size_t{0}, 8 + i % 17}) {
          if (taken[p] != 0) continue;
          // Clean: the place among the ids from 1 on that are no key.
          const std::int32_t id = ids[p];
          std::int32_t cell = packed || clean ? id - 1 : id;
          if (clean) {
            for (const std::size_t key : {1U, 3U, 5U}) cell -= ids[key] < id ? 1 : 0;
          }
          fill.add(cell);
        }
      });
      keys.check();
      values.check();
      if (packed) order.check();
      fill.check();
    }
  }
}

TEST_CASE("tasks: chi-square of mqar rebindings, and of the queries of layout level") {
  MqarSettings settings;
  settings.layout = MqarLayout::kLevel;
  settings.filler = MqarFiller::kClean;
  settings.level = 5;
  settings.length = 24;
  settings.pairs = 3;
  settings.rebind = 2;
  settings.vocab = 16;
  Histogram keys("the pairs that are bound again, in order", 6);
  Histogram values("a rebinding's value", 8);
  Histogram unused("its place among the values that the pairs leave", 5);
  Histogram order("query order", 6);
  Histogram fill("filler", 12);
  for_each_example(settings, 4000000, [&](std::size_t i, const Example& example) {
    const auto& ids = example.ids;
    const auto pair_of = [&](std::int32_t key) {
      return ids[0] == key ? 0 : ids[2] == key ? 1 : 2;
    };
    const int first = pair_of(ids[6]);
    const int second = pair_of(ids[8]);
    keys.add(first * 2 + second - (second > first ? 1 : 0));
    const std::int32_t value = ids[7 + 2 * (i % 2)];
    values.add(value - 8);
    std::int32_t place = value - 8;
    for (const std::size_t of_pair : {1U, 3U, 5U}) place -= ids[of_pair] < value ? 1 : 0;
    unused.add(place);
    const auto pair = [&](std::size_t r) { return twin::tags(example, r).pair; };
    order.add(pair(0) * 2 + (pair(1) > pair(2) ? 1 : 0));
    // Before the queries at 16, 18 and 20, between them and after them.
    const std::int32_t id = ids[std::array<std::size_t, 4>{12, 17, 21, 23}[i % 4]];
    std::int32_t cell = id - 1;
    for (const std::size_t key : {0U, 2U, 4U}) cell -= ids[key] < id ? 1 : 0;
    fill.add(cell);
  });
  keys.check();
  values.check();
  unused.check();
  order.check();
  fill.check();
}

TEST_CASE("tasks: the power-law draws have their exact distribution") {
  // Two slots of six: P(i then j) = w_i / W * w_j / (W - w_i).
  MqarSettings settings;
  settings.layout = MqarLayout::kPowerLaw;
  settings.filler = MqarFiller::kZeros;
  settings.length = 16;
  settings.pairs = 2;
  constexpr std::size_t kSlots = 6;
  const std::vector<double> weights = slot_weights(kSlots);
  const double total = sum(weights);
  std::vector<double> expected;
  std::vector<std::vector<std::size_t>> cell(kSlots, std::vector<std::size_t>(kSlots));
  for (std::size_t i = 0; i < kSlots; ++i) {
    for (std::size_t j = 0; j < kSlots; ++j) {
      if (i == j) continue;
      cell[i][j] = expected.size();
      expected.push_back(weights[i] / total * weights[j] / (total - weights[i]));
    }
  }
  Histogram drawn("the slots of both keys", expected);
  for_each_example(settings, 4000000, [&](std::size_t, const Example& example) {
    std::size_t slot[2];
    for (std::size_t r = 0; r < 2; ++r) {
      slot[twin::tags(example, r).pair] = static_cast<std::size_t>(example.positions[r] - 4) / 2;
    }
    drawn.add(cell[slot[0]][slot[1]]);
  });
  drawn.check();
}

TEST_CASE("tasks: the power-law slots agree with drawing them one by one") {
  MqarSettings settings;
  settings.layout = MqarLayout::kPowerLaw;
  settings.filler = MqarFiller::kZeros;
  settings.length = 128;
  settings.pairs = 8;
  constexpr std::size_t kSlots = 56;
  constexpr std::size_t kPairs = 8;
  constexpr std::uint64_t kExamples = 1000000;
  std::vector<double> weights = slot_weights(kSlots);
  std::vector<double> expected = weights;
  const double total = sum(weights);
  for (double& probability : expected) probability /= total;

  Histogram first("the first slot drawn", expected);
  std::vector<std::vector<double>> ours(kPairs, std::vector<double>(kSlots));
  for_each_example(settings, kExamples, [&](std::size_t, const Example& example) {
    for (std::size_t r = 0; r < kPairs; ++r) {
      const auto slot = static_cast<std::size_t>(example.positions[r] - 16) / 2;
      const auto pair = static_cast<std::size_t>(twin::tags(example, r).pair);
      ours[pair][slot] += 1.0;
      if (pair == 0) first.add(slot);
    }
  });
  first.check();

  // The definition: draw by weight among the slots that are left.
  std::vector<std::vector<double>> simulated(kPairs, std::vector<double>(kSlots));
  std::mt19937_64 source(23);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (std::uint64_t i = 0; i < kExamples; ++i) {
    std::vector<double> left = weights;
    double weight_left = total;
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
      double rest = uniform(source) * weight_left;
      std::size_t slot = 0;
      while (slot + 1 < kSlots && (left[slot] == 0.0 || rest >= left[slot])) rest -= left[slot++];
      while (left[slot] == 0.0) --slot;  // rounding at the far end
      simulated[pair][slot] += 1.0;
      weight_left -= left[slot];
      left[slot] = 0.0;
    }
  }
  for (std::size_t pair = 0; pair < kPairs; ++pair) {
    double statistic = 0.0;
    double against_previous = 0.0;
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const auto distance = [&](double a, double b) { return (a - b) * (a - b) / (a + b); };
      statistic += distance(ours[pair][slot], simulated[pair][slot]);
      if (pair > 0) against_previous += distance(ours[pair][slot], simulated[pair - 1][slot]);
    }
    CAPTURE(pair);
    CHECK(tail_probability(statistic, kSlots - 1) > kRejectBelow);
    // The test can tell one draw from the next, e.g. if keys were matched with slots off by one.
    if (pair > 0) CHECK(tail_probability(against_previous, kSlots - 1) < kRejectBelow);
  }
}

TEST_CASE("tasks: selective copying places its data uniformly") {
  struct Kind {
    CopyingDialect dialect;
    const char* name;
    std::int64_t length;
    std::size_t placements;
  };
  for (const Kind& kind : {Kind{CopyingDialect::kAdaptive, "adaptive: 2 of 5 places", 8, 10},
                           Kind{CopyingDialect::kMadUniform, "mad-uniform: 2 of 6 places", 9, 15},
                           Kind{CopyingDialect::kMamba, "mamba: 2 of 5 places", 7, 10}}) {
    SelectiveCopyingSettings settings;
    settings.dialect = kind.dialect;
    settings.length = kind.length;
    settings.tokens = 2;
    Placements placements;
    Histogram histogram(kind.name, kind.placements);
    for_each_example(settings, 5000000, [&](std::size_t, const Example& example) {
      histogram.add(placements.number(example));
    });
    histogram.check();
  }
}

TEST_CASE("tasks: dialect mad drops each blank before one of the data tokens") {
  // Three blanks before three tokens: the gaps (g0, g1, g2) have 3! / (g0! g1! g2!) / 27.
  SelectiveCopyingSettings settings;
  settings.dialect = CopyingDialect::kMad;
  settings.length = 10;
  settings.tokens = 3;
  constexpr std::array<double, 4> kFactorial = {1, 1, 2, 6};
  std::vector<double> expected;
  std::size_t cell[4][4] = {};
  for (std::size_t first = 0; first <= 3; ++first) {
    for (std::size_t second = 0; first + second <= 3; ++second) {
      cell[first][second] = expected.size();
      expected.push_back(6.0 / 27.0 / kFactorial[first] / kFactorial[second] /
                         kFactorial[3 - first - second]);
    }
  }
  Histogram gaps("the gaps before the first and the second token", expected);
  for_each_example(settings, 4000000, [&](std::size_t, const Example& example) {
    std::int32_t place[3];  // tag lag = scored position - place
    for (std::size_t r = 0; r < 3; ++r) {
      place[r] = example.positions[r] - static_cast<std::int32_t>(twin::tags(example, r).lag);
    }
    gaps.add(cell[static_cast<std::size_t>(place[0])]
                 [static_cast<std::size_t>(place[1] - place[0] - 1)]);
  });
  gaps.check();
}

TEST_CASE("tasks: dialect mad has MAD's gaps at its usual size, and mad-uniform other ones") {
  // T 256, n 16: 223 blanks, each before a given token with probability 1/16, so that a gap has
  // mean 13.94 and standard deviation 3.61; of uniform places mean 13.1 and deviation 12.8.
  for (const auto& [dialect, mean, deviation] :
       {std::tuple(CopyingDialect::kMad, 223.0 / 16, std::sqrt(223.0 * 15) / 16),
        std::tuple(CopyingDialect::kMadUniform, 223.0 / 17, 12.8)}) {
    SelectiveCopyingSettings settings;
    settings.dialect = dialect;
    double total = 0.0;
    double squares = 0.0;
    std::int64_t count = 0;
    for_each_example(settings, 20000, [&](std::size_t, const Example& example) {
      std::int64_t before = -1;
      for (std::size_t r = 0; r < example.positions.size(); ++r) {
        const std::int64_t place = example.positions[r] - twin::tags(example, r).lag;
        const auto gap = static_cast<double>(place - before - 1);
        before = place;
        total += gap;
        squares += gap * gap;
        ++count;
      }
    });
    const double seen = total / static_cast<double>(count);
    CHECK(std::abs(seen - mean) < 0.1);
    CHECK(std::abs(std::sqrt(squares / static_cast<double>(count) - seen * seen) - deviation) <
          0.1);
  }
}

TEST_CASE("tasks: selective copying draws its data and noise uniformly") {
  SelectiveCopyingSettings settings;
  settings.length = 9;
  settings.tokens = 2;
  Histogram data("adaptive data", 63);
  Histogram order("adaptive data, ascending or not", 2);
  Histogram noise("adaptive noise", 61);
  for_each_example(settings, 24000000, [&](std::size_t i, const Example& example) {
    data.add(example.labels[i % 2] - 3);  // one an example: the two are drawn without replacement
    order.add(example.labels[0] < example.labels[1] ? 1 : 0);
    const std::int32_t id = example.ids[i % 6];
    if (id >= 67) noise.add(id - 67);
  });
  data.check();
  order.check();
  noise.check();

  for (const CopyingDialect dialect : {CopyingDialect::kMad, CopyingDialect::kMamba}) {
    settings.dialect = dialect;
    settings.vocab = 8;
    const std::int32_t low = dialect == CopyingDialect::kMad ? 0 : 1;
    Histogram single("data with repetition", 6);
    Histogram both("both data, with repetition", 36);
    for_each_example(settings, 16000000, [&](std::size_t, const Example& example) {
      single.add(example.labels[0] - low);
      both.add((example.labels[0] - low) * 6 + example.labels[1] - low);
    });
    single.check();
    both.check();
  }
}

}  // namespace recollect
