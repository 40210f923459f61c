// Layout level, rebind and repeat of MQAR: examples against the brute-force twin, what tags, rules
// and kinds say of them, what is refused, and that a configuration without them stays what it is.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/config/task_text.hpp"
#include "math/fenwick.hpp"
#include "tasks/mqar.hpp"
#include "tests/support/task_errors.hpp"
#include "tests/support/tasks_twin.hpp"

namespace recollect {
namespace {

using Change = std::function<void(MqarSettings&)>;

MqarSettings settings_of(const Change& change) {
  MqarSettings settings;
  settings.length = 64;
  settings.pairs = 4;
  settings.vocab = 32;
  settings.filler = MqarFiller::kZeros;
  change(settings);
  return settings;
}

std::vector<Example> examples_of(const MqarSettings& settings, std::uint64_t count) {
  const auto task = settings.make();
  GeneratorScratch scratch;
  std::vector<Example> examples(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    task->example({7, Split::kTest, i}, examples[i], scratch);
  }
  return examples;
}

TEST_CASE("mqar options: random settings are refused, or their examples agree with the twin") {
  Rng rng(23, Stream::kOrder, 0);
  int made = 0;
  int refused = 0;
  Example example;
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    MqarSettings settings;
    settings.layout = static_cast<MqarLayout>(rng.below(3));
    settings.filler = static_cast<MqarFiller>(rng.below(3));
    settings.length = rng.between(1, 120);
    settings.pairs = rng.between(1, 8);
    settings.vocab = std::int64_t{2} * rng.between(2, 16);
    settings.offset = rng.between(0, 1);
    settings.rebind = rng.between(0, 5);
    settings.repeat = rng.between(1, 3);
    settings.level = rng.between(0, 7);
    const std::int64_t bindings =
        2 * settings.repeat * settings.pairs + 2 * settings.rebind + settings.offset;
    std::int64_t needed = bindings + 2 * settings.pairs;
    bool fits = settings.pairs <= settings.vocab / 2 - 1 && settings.rebind <= settings.pairs &&
                settings.pairs + settings.rebind <= settings.vocab / 2 &&
                (settings.rebind == 0 || settings.filler != MqarFiller::kRandom);
    if (settings.layout == MqarLayout::kLevel) {
      std::int64_t first = 1;
      for (std::int64_t l = 1; l < settings.level; ++l) first *= 2;
      fits = fits && settings.level > 0 && bindings <= first;
      needed = first + 2 * settings.pairs;
    } else {
      fits = fits && settings.level == 0;
    }
    fits = fits && needed <= settings.length;
    CAPTURE(task_text(settings, settings.length));
    REQUIRE(message_of(settings).empty() == fits);
    (fits ? made : refused) += 1;
    if (!fits) continue;
    const auto task = settings.make();
    task->example({i, Split::kTrain, i}, example, scratch);
    const twin::Ceilings ceilings = twin::ceilings(*task, example);
    REQUIRE(twin::mqar_fault(settings, example, ceilings) == "");
    // Random filler may bind a key again, to its first value too.
    REQUIRE(ceilings.first == settings.pairs - settings.rebind);
    if (settings.filler != MqarFiller::kRandom) REQUIRE(ceilings.recent == settings.pairs);
    REQUIRE(task->max_scored() == settings.pairs);
    REQUIRE(task->chance() == 1.0 / static_cast<double>(settings.pairs));
  }
  CHECK(made > 500);
  CHECK(refused > 1000);
}

TEST_CASE("mqar options: layout level puts every answer into its level") {
  for (std::int64_t level = 4; level <= 6; ++level) {
    const MqarSettings settings = settings_of([&](auto& s) {
      s.layout = MqarLayout::kLevel;
      s.level = level;
    });
    for (const Example& example : examples_of(settings, 50)) {
      REQUIRE(example.positions.front() == 1 << (level - 1));
      for (std::size_t r = 0; r < 4; ++r) {
        REQUIRE(twin::tags(example, r).level == level);
        REQUIRE(example.positions[r] == example.positions.front() + 2 * static_cast<int>(r));
      }
    }
  }
}

TEST_CASE("mqar options: lag, pair and more tags of keys that are bound again") {
  const MqarSettings settings = settings_of([](auto& s) {
    s.repeat = 2;
    s.rebind = 2;
  });
  const auto task = settings.make();
  GeneratorScratch scratch;
  std::set<std::int32_t> kinds_seen;
  for (const Example& example : examples_of(settings, 100)) {
    std::vector<std::int32_t> more(example.positions.size() * settings.more_tags().size());
    task->find_more_tags(example, 16, scratch, more);
    std::int64_t again = 0;
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const twin::Tags tags = twin::tags(example, r);
      const std::int32_t key = example.ids[static_cast<std::size_t>(example.positions[r])];
      REQUIRE(example.ids[static_cast<std::size_t>(2 * tags.pair)] == key);
      // Of the rebindings at 16 and 18 one is its own, or the second block of pairs, from 8 on.
      std::int32_t source = 8 + 2 * tags.pair + 1;
      if (example.ids[16] == key) source = 17;
      if (example.ids[18] == key) source = 19;
      REQUIRE(tags.lag == example.positions[r] - source);
      const bool rebound = source > 16;
      again += rebound ? 1 : 0;
      const std::int32_t beyond = std::max(0, tags.level - 4);
      REQUIRE(std::vector(more.begin() + static_cast<std::ptrdiff_t>(5 * r),
                          more.begin() + static_cast<std::ptrdiff_t>(5 * r + 5)) ==
              std::vector<std::int32_t>{rebound ? 1 : 0, beyond, rebound ? kNoTag : beyond,
                                        rebound ? beyond : kNoTag, 16 * (source - 1) / 64});
    }
    REQUIRE(again == 2);
    std::vector<std::int32_t> kinds(example.ids.size());
    task->find_kinds(example, kinds);
    for (std::size_t p = 0; p < kinds.size(); ++p) {
      const bool query = std::ranges::count(example.positions, static_cast<std::int32_t>(p)) > 0;
      const std::string_view wanted =
          p < 20 ? (p % 2 == 0 ? "key" : "value") : (query ? "query" : "filler");
      REQUIRE(settings.kinds()[static_cast<std::size_t>(kinds[p])].name == wanted);
    }
  }
}

TEST_CASE("mqar options: every error names values, bound and remedy") {
  const auto error = [](const Change& change) { return message_of(settings_of(change)); };
  CHECK(error([](auto& s) { s.rebind = 5; }) ==
        "rebind = 5 is more than the 4 keys of an example; lower it to 4 or raise pairs to 5");
  CHECK(error([](auto& s) { s.rebind = -1; }) ==
        "rebind = -1 is not in 0..1048575; raise it to 0 at least");
  CHECK(error([](auto& s) {
          s.rebind = 4;
          s.vocab = 14;
        }) ==
        "rebind = 4 and pairs 4 need 8 different values, but vocab 14 has 7; lower it to 3 or "
        "raise vocab to 16");
  CHECK(error([](auto& s) {
          s.rebind = 1;
          s.filler = MqarFiller::kRandom;
        }) ==
        "filler = random may bind a key again by accident, so that what rebind 1 asks for has no "
        "sure answer; use clean or zeros");
  CHECK(error([](auto& s) { s.repeat = 0; }) ==
        "repeat = 0 is not in 1..8388608; raise it to 1 at least");
  CHECK(error([](auto& s) {
          s.repeat = 7;
          s.rebind = 2;
          s.offset = 1;
        }) ==
        "pairs = 4 needs 2*4 + 2*7*4 + 2*2 + offset 1 = 69 tokens with layout packed, but length "
        "is 64; lower it to 3 or raise length to 69");
  CHECK(error([](auto& s) {
          s.repeat = 7;
          s.rebind = 4;
        }) ==
        "pairs = 4 needs 2*4 + 2*7*4 + 2*4 + offset 0 = 72 tokens with layout packed, but length "
        "is 64; raise length to 72");
  CHECK(error([](auto& s) {
          s.repeat = 8388608;
        }).ends_with("; no length is above 16777216: lower pairs, repeat, rebind or offset"));
  CHECK(error([](auto& s) {
          s.layout = MqarLayout::kPowerLaw;
          s.repeat = 8;
        }) ==
        "pairs = 4 needs 4 two-token slots after the pairs with layout power-law, but length 64 "
        "less 2*8*4 + offset 0 leaves 0; lower it to 3 or raise length to 72");
  CHECK(error([](auto& s) { s.level = 5; }) ==
        "level = 5 has no effect with layout packed; leave it out or set layout to level");
  CHECK(error([](auto& s) { s.layout = MqarLayout::kLevel; }) ==
        "layout = level needs to know which; give task.level, from 2 on");
  CHECK(error([](auto& s) { s.level = 25; }) ==
        "level = 25 is not in 0..24; lower it to 24 at most");
  CHECK(error([](auto& s) {
          s.layout = MqarLayout::kLevel;
          s.level = 4;
          s.offset = 1;
        }) ==
        "level = 4 leaves 8 positions before the queries, but 2*4 + offset 1 = 9 are needed; raise "
        "it to 5");
  CHECK(error([](auto& s) {
          s.layout = MqarLayout::kLevel;
          s.level = 7;
        }) ==
        "level = 7 puts the queries of 4 pairs at positions 64 to 71, but length is 64; lower it "
        "or raise length to 72");
}

Experiment with_task(const std::string& options) {
  return parse_experiment(
      fmt::format("task: {{name: mqar, length: 64, pairs: 4, vocab: 32, filler: zeros{}}}\n"
                  "variants: [gated-linear]\n",
                  options),
      "x.yaml");
}

TEST_CASE(
    "mqar options: what is not given is written nowhere, and what is given makes other cells") {
  const Experiment plain = with_task("");
  const Experiment given = with_task(", level: 0, rebind: 0, repeat: 1");
  CHECK(given.resolved == plain.resolved);
  CHECK(given.cells[0].hash() == plain.cells[0].hash());
  CHECK(given.cells[0].yaml("x") == plain.cells[0].yaml("x"));
  for (const char* option : {"level:", "rebind", "repeat"}) {
    CHECK(plain.resolved.find(option) == std::string::npos);
    CHECK(task_text(*plain.cells[0].task, 64).find(option) == std::string::npos);
  }
  const Experiment other = with_task(", layout: level, level: 5, rebind: 2, repeat: 1");
  CHECK(other.cells[0].identity().find("task.layout: level\n") != std::string::npos);
  CHECK(other.cells[0].identity().find("task.level: 5\ntask.pairs: 4\ntask.rebind: 2\n") !=
        std::string::npos);
  CHECK(parse_experiment(other.resolved, "y.yaml").cells[0].hash() == other.cells[0].hash());
  CHECK(parse_experiment(other.cells[0].yaml("x"), "y.yaml").cells[0].hash() ==
        other.cells[0].hash());
}

}  // namespace
}  // namespace recollect
