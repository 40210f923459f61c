// Compositional recall against a brute-force twin, the laws of what is drawn, and the ceilings.
#include "tasks/compositional_recall.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/task_checks.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
namespace {

using Layout = CompositionalLayout;
using Filler = CompositionalFiller;
using testing::drawn;

constexpr Layout kLayouts[] = {Layout::kPacked, Layout::kPowerLaw};
constexpr Filler kFillers[] = {Filler::kRandom, Filler::kZeros, Filler::kClean};

CompositionalRecallSettings settings_of(Layout layout, Filler filler, std::int64_t length,
                                        std::int64_t pairs, std::int64_t vocab) {
  CompositionalRecallSettings settings;
  settings.layout = layout;
  settings.filler = filler;
  settings.length = length;
  settings.pairs = pairs;
  settings.vocab = vocab;
  return settings;
}

using Keys = std::pair<std::int32_t, std::int32_t>;

/// An example taken apart.
struct Reading {
  std::vector<Keys> keys;  // of the triples, in order
  std::vector<std::int32_t> values;
  std::set<std::int32_t> first_keys;
  std::set<std::int32_t> second_keys;
  std::vector<std::int32_t> queries;  // where their first keys stand
};

Reading read(const CompositionalRecallSettings& settings, const Example& example) {
  const auto id = [&](std::int64_t p) { return example.ids.at(static_cast<std::size_t>(p)); };
  Reading reading;
  for (std::int64_t i = 0; i < settings.pairs; ++i) {
    reading.keys.emplace_back(id(3 * i), id(3 * i + 1));
    reading.values.push_back(id(3 * i + 2));
    reading.first_keys.insert(id(3 * i));
    reading.second_keys.insert(id(3 * i + 1));
  }
  const auto after = static_cast<std::int32_t>(3 * settings.pairs);
  const auto length = static_cast<std::int32_t>(settings.length);
  if (settings.layout == Layout::kPacked) {
    for (std::int32_t p = length - after; p < length; p += 3) reading.queries.push_back(p);
  } else if (settings.filler == Filler::kRandom) {  // queries look like filler there
    for (const std::int32_t p : example.positions) reading.queries.push_back(p - 1);
  } else {
    for (std::int32_t p = after; p < length; ++p) {
      if (reading.first_keys.contains(id(p))) reading.queries.push_back(p);
    }
  }
  return reading;
}

std::string triples_fault(const CompositionalRecallSettings& settings, const Reading& reading) {
  const auto m = static_cast<std::int32_t>(settings.vocab / 3);
  const auto within = [](std::int32_t id, std::int32_t low, std::int64_t end) {
    return id >= low && id < end;
  };
  for (const Keys& keys : reading.keys) {
    if (!within(keys.first, 1, m) || !within(keys.second, m, 2 * m)) return "a key out of range";
  }
  for (const std::int32_t value : reading.values) {
    if (!within(value, 2 * m, settings.vocab)) return "a value out of range";
  }
  const auto count = static_cast<std::size_t>(settings.pairs);
  if (std::set(reading.keys.begin(), reading.keys.end()).size() != count) return "keys repeat";
  if (std::set(reading.values.begin(), reading.values.end()).size() != count)
    return "values repeat";
  if (reading.first_keys.size() * reading.first_keys.size() != count) return "not g first keys";
  if (reading.second_keys.size() != reading.first_keys.size()) return "not g second keys";
  return "";
}

/// The value of the earliest or latest triple before p that `matches`; -1: none.
template <class Matches>
std::int32_t bound(const CompositionalRecallSettings& settings, const Example& example,
                   std::int32_t p, bool latest, const Matches& matches) {
  const auto m = static_cast<std::int32_t>(settings.vocab / 3);
  std::int32_t found = -1;
  for (std::int32_t s = 0; s + 3 <= p; ++s) {
    const std::int32_t* at = &example.ids[static_cast<std::size_t>(s)];
    const bool is_binding =
        at[0] >= 1 && at[0] < m && at[1] >= m && at[1] < 2 * m && at[2] >= 2 * m;
    if (is_binding && matches(at[0], at[1]) && (latest || found < 0)) found = at[2];
  }
  return found;
}

/// What is wrong with an example; "" if nothing.
std::string fault(const CompositionalRecallSettings& settings, const Example& example) {
  if (std::ssize(example.ids) != settings.length) return "another length";
  const Reading reading = read(settings, example);
  if (std::string fault = triples_fault(settings, reading); !fault.empty()) return fault;
  const auto task = settings.make();
  const auto answers = testing::answers_of(settings, *task, example);
  const auto id = [&](std::int64_t p) { return example.ids.at(static_cast<std::size_t>(p)); };
  const auto after = static_cast<std::int32_t>(3 * settings.pairs);
  Example expected;
  std::string marks(example.ids.size(), '.');
  for (std::int32_t p = 0; p < after; ++p) marks[static_cast<std::size_t>(p)] = "abv"[p % 3];
  std::set<Keys> asked;
  for (const std::int32_t query : reading.queries) {
    const bool is_slot = settings.layout == Layout::kPacked || (query - after) % 3 == 0;
    if (!is_slot || query < after || query + 3 > settings.length) return "no slot begins there";
    const Keys keys = {id(query), id(query + 1)};
    const auto place = std::ranges::find(reading.keys, keys) - reading.keys.begin();
    if (place == std::ssize(reading.keys)) return "a query of no triple";
    if (!asked.insert(keys).second) return "asked twice";
    const std::int32_t p = query + 1;
    const auto source = static_cast<std::int32_t>(3 * place + 2);
    expected.positions.push_back(p);
    expected.labels.push_back(id(source));
    for (const std::int32_t tag :
         {p - source, testing::level_by_halving(p, source), static_cast<std::int32_t>(place)}) {
      expected.tags.push_back(tag);
    }
    marks[static_cast<std::size_t>(query)] = marks[static_cast<std::size_t>(p)] = 'q';
    const auto both = [&](std::int32_t a, std::int32_t b) { return Keys{a, b} == keys; };
    const std::vector<std::int32_t> wanted = {
        bound(settings, example, p, false, both), bound(settings, example, p, true, both),
        bound(settings, example, p, false, [&](auto a, auto) { return a == keys.first; }),
        bound(settings, example, p, false, [&](auto, auto b) { return b == keys.second; })};
    if (answers.at(expected.positions.size() - 1) != wanted) return "the rules answer otherwise";
  }
  if (asked.size() != reading.keys.size()) return "not K queries";
  if (example.positions != expected.positions) return "other positions";
  if (example.labels != expected.labels) return "other labels";
  if (example.tags != expected.tags) return "other tags";
  if (testing::marks_of(settings, *task, example) != marks) return "other kinds";
  for (std::size_t p = 0; p < marks.size(); ++p) {
    if (marks[p] != '.') continue;
    const std::int32_t filler = example.ids[p];
    bool allowed = filler >= 1 && filler < settings.vocab;
    if (settings.filler == Filler::kZeros) allowed = filler == 0;
    if (settings.filler == Filler::kRandom && settings.layout == Layout::kPowerLaw) {
      allowed = filler >= 0 && filler < settings.vocab;
    }
    if (settings.filler == Filler::kClean) {
      allowed =
          allowed && !reading.first_keys.contains(filler) && !reading.second_keys.contains(filler);
    }
    if (!allowed) return "no filler";
  }
  return "";
}

}  // namespace

TEST_CASE("compositional recall: settings are refused, or their examples agree with the twin") {
  Rng rng(17, Stream::kOrder, 0);
  int made = 0;
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    const Layout layout = kLayouts[rng.below(2)];
    const Filler filler = kFillers[rng.below(3)];
    const std::int64_t length = rng.between(1, 120);
    const std::int64_t root = rng.between(1, 4);
    const std::int64_t pairs = rng.below(6) == 0 ? rng.between(1, 20) : root * root;
    const std::int64_t vocab = rng.between(4, 70);
    const auto settings = settings_of(layout, filler, length, pairs, vocab);
    const bool square = pairs == 1 || pairs == 4 || pairs == 9 || pairs == 16;
    const std::int64_t m = vocab / 3;
    const auto g = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(pairs))));
    const bool fits =
        vocab >= 6 && square && g <= m - 1 && pairs <= vocab - 2 * m && 6 * pairs <= length;
    CAPTURE(length);
    CAPTURE(pairs);
    CAPTURE(vocab);
    REQUIRE(message_of(settings).empty() == fits);
    (fits ? made : refused) += 1;
    if (!fits) continue;
    CHECK(settings.make()->chance() == 1.0 / static_cast<double>(pairs));
    const Split split = i % 2 == 0 ? Split::kTrain : Split::kTest;
    for (const Example& example : drawn(settings, 3, split)) {
      REQUIRE(fault(settings, example) == "");
    }
  }
  CHECK(made > 300);
  CHECK(refused > 300);
}

TEST_CASE("compositional recall: one key alone reaches 1/g, both keys 1 without random filler") {
  for (const Layout layout : kLayouts) {
    for (const Filler filler : kFillers) {
      const auto settings = settings_of(layout, filler, 150, 16, 54);
      const auto task = settings.make();
      std::int64_t misled = 0;
      for (const Example& example : drawn(settings, 200, Split::kTest)) {
        std::vector<std::int64_t> right(4);
        task->count_right(example, right);
        CHECK(right[0] == 16);
        CHECK(right[2] == 4);
        CHECK(right[3] == 4);
        misled += 16 - right[1];
      }
      CHECK((misled > 0) == (filler == Filler::kRandom));
    }
  }
}

TEST_CASE("compositional recall: keys, values and both orders are uniform") {
  // V 14: first keys 1..3, second keys 4..7, values 8..13.
  const auto settings = settings_of(Layout::kPacked, Filler::kZeros, 24, 4, 14);
  std::vector<double> first_keys(3 * 2);  // of the first triple, and the other one
  std::vector<double> second_keys(4 * 3);
  std::vector<double> values(6 * 5);  // of two triples
  std::map<std::vector<int>, double> shown;
  std::map<std::vector<std::int32_t>, double> asked;
  std::vector<double> both(3 * 4 * 6);
  for (const Example& example : drawn(settings, 6000)) {
    const Reading reading = read(settings, example);
    const auto ordered = [](std::int32_t a, std::int32_t b) { return b < a ? b : b - 1; };
    const auto [a, b] = reading.keys[0];
    const auto other = [](const std::set<std::int32_t>& keys, std::int32_t key) {
      return *keys.begin() == key ? *keys.rbegin() : *keys.begin();
    };
    const std::int32_t a2 = other(reading.first_keys, a);
    const std::int32_t b2 = other(reading.second_keys, b);
    first_keys[static_cast<std::size_t>((a - 1) * 2 + ordered(a - 1, a2 - 1))] += 1.0;
    second_keys[static_cast<std::size_t>((b - 4) * 3 + ordered(b - 4, b2 - 4))] += 1.0;
    const std::int32_t v = reading.values[0] - 8;
    values[static_cast<std::size_t>(v * 5 + ordered(v, reading.values[1] - 8))] += 1.0;
    both[static_cast<std::size_t>(((a - 1) * 4 + b - 4) * 6 + v)] += 1.0;
    // The order of the combinations, told by which of the smaller and larger keys they have.
    std::vector<int> order;
    for (const Keys& keys : reading.keys) {
      order.push_back((keys.first == *reading.first_keys.rbegin() ? 2 : 0) +
                      (keys.second == *reading.second_keys.rbegin() ? 1 : 0));
    }
    shown[order] += 1.0;
    std::vector<std::int32_t> places;
    for (std::size_t r = 0; r < 4; ++r) places.push_back(example.tags_of(r)[2]);
    asked[places] += 1.0;
  }
  const auto counts = [](const auto& map) {
    std::vector<double> all;
    for (const auto& entry : map) all.push_back(entry.second);
    return all;
  };
  CHECK(testing::misfit(first_keys) == "");
  CHECK(testing::misfit(second_keys) == "");
  CHECK(testing::misfit(values) == "");
  CHECK(testing::misfit(both) == "");
  CHECK(shown.size() == 24);
  CHECK(testing::misfit(counts(shown)) == "");
  CHECK(asked.size() == 24);
  CHECK(testing::misfit(counts(asked)) == "");
}

TEST_CASE("compositional recall: filler is uniform over what it may be") {
  for (const Layout layout : kLayouts) {
    for (const Filler filler : {Filler::kRandom, Filler::kClean}) {
      // The last position, left over in both layouts' middle or end; K 1, so the keys are two.
      const auto settings = settings_of(layout, filler, 8, 1, 8);  // keys 1; 2, 3; values 4..7
      const std::size_t place = layout == Layout::kPacked ? 3 : 7;
      std::vector<double> counts(8);
      std::vector<double> by_second_key(2 * 8);
      for (const Example& example : drawn(settings, 6000)) {
        const auto id = static_cast<std::size_t>(example.ids[place]);
        counts[id] += 1.0;
        by_second_key[static_cast<std::size_t>(example.ids[1] - 2) * 8 + id] += 1.0;
      }
      if (filler == Filler::kClean) {
        CHECK(counts[0] + counts[1] == 0.0);
        for (const std::size_t key : {2U, 3U}) {
          const std::size_t row = (key - 2) * 8;
          CHECK(by_second_key[row + key] == 0.0);
          CHECK(testing::misfit({by_second_key[row + 5 - key], by_second_key[row + 4],
                                 by_second_key[row + 5], by_second_key[row + 6],
                                 by_second_key[row + 7]}) == "");
        }
        continue;
      }
      if (layout == Layout::kPacked) {
        CHECK(counts[0] == 0.0);
        counts.erase(counts.begin());
      }
      CHECK(testing::misfit(counts) == "");
    }
  }
}

TEST_CASE("compositional recall: power-law slots have their weights, without replacement") {
  const auto settings = settings_of(Layout::kPowerLaw, Filler::kZeros, 3 * 4 + 3 * 7, 4, 18);
  std::vector<double> weights;
  for (int i = 1; i <= 7; ++i) weights.push_back(std::pow(i, 0.01 - 1.0));
  double sum = 0.0;
  for (const double weight : weights) sum += weight;
  std::vector<double> expected(49);
  for (std::size_t i = 0; i < 7; ++i) {
    for (std::size_t j = 0; j < 7; ++j) {
      if (i != j) expected[7 * i + j] = weights[i] * weights[j] / (sum - weights[i]);
    }
  }
  std::vector<double> counts(49);
  for (const Example& example : drawn(settings, 20000)) {
    std::vector<std::size_t> slot(4);  // that asks each triple
    for (std::size_t r = 0; r < 4; ++r) {
      slot[static_cast<std::size_t>(example.tags_of(r)[2])] =
          static_cast<std::size_t>(example.positions[r] - 13) / 3;
    }
    counts[7 * slot[0] + slot[1]] += 1.0;
  }
  for (std::size_t i = 7; i-- > 0;) {  // no slot is drawn twice
    CHECK(counts[8 * i] == 0.0);
    counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(8 * i));
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(8 * i));
  }
  CHECK(testing::misfit(counts, expected) == "");
}

TEST_CASE("compositional recall: every error names values, bound and remedy") {
  const auto error = [](const std::function<void(CompositionalRecallSettings&)>& change) {
    CompositionalRecallSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 0; }) ==
        "length = 0 is not in 1..16777216; raise it to 1 at least");
  CHECK(error([](auto& s) { s.vocab = 5; }) ==
        "vocab = 5 is not in 6..2097152; raise it to 6 at least");
  CHECK(error([](auto& s) { s.pairs = 698897; }) ==
        "pairs = 698897 is not in 1..698896; lower it to 698896 at most");
  CHECK(error([](auto& s) { s.pairs = 8; }) ==
        "pairs = 8 must be a square, since each first key goes with each second one; use 4 or 9");
  CHECK(error([](auto& s) { s.pairs = 698895; }) ==
        "pairs = 698895 must be a square, since each first key goes with each second one; use "
        "697225 or 698896");
  CHECK(error([](auto& s) { s.vocab = 30; }) ==
        "pairs = 16 needs 4 first keys and 16 values, but vocab 30 has 9 and 10; lower it to 9 or "
        "raise vocab to 44");
  // More ids are not always more values: 45 has as many for first and second keys.
  CHECK(error([](auto& s) { s.vocab = 44; }) == "");
  CHECK(error([](auto& s) { s.vocab = 45; }) ==
        "pairs = 16 needs 4 first keys and 16 values, but vocab 45 has 14 and 15; lower it to 9 or "
        "raise vocab to 46");
  CHECK(error([](auto& s) { s.vocab = 46; }) == "");
  CHECK(error([](auto& s) { s.length = 95; }) ==
        "pairs = 16 needs 6*16 = 96 positions, but length is 95; lower it to 9 or raise length to "
        "96");
  CHECK(error([](auto& s) { s.length = 5; }) ==
        "pairs = 16 needs 6*16 = 96 positions, but length is 5; raise length to 96");
  CompositionalRecallSettings largest;
  largest.pairs = CompositionalRecallSettings::kMaxPairs;
  largest.vocab = kMaxVocab;
  largest.length = 6 * largest.pairs;
  CHECK(message_of(largest) == "");
}

}  // namespace recollect
