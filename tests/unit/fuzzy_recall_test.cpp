// Fuzzy recall against a brute-force reader and a generator of another text, and its laws.
#include "tasks/fuzzy_recall.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/task_checks.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
namespace {

using testing::drawn;
using Ids = std::vector<std::int32_t>;

constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

FuzzyRecallSettings settings_of(std::int64_t length, std::int64_t vocab) {
  FuzzyRecallSettings settings;
  settings.length = length;
  settings.vocab = vocab;
  return settings;
}

struct Pair {
  std::int32_t start = 0;  // of its key, in T+1 tokens
  Ids key;
  Ids value;
};

/// T+1 tokens taken apart.
struct Reading {
  std::int32_t padding = 0;
  std::vector<Pair> pairs;
};

Reading read(const Ids& tokens, std::int32_t first_value, std::int32_t pad) {
  Reading reading;
  std::size_t p = 0;
  while (p < tokens.size() && tokens[p] == pad) ++p;
  reading.padding = static_cast<std::int32_t>(p);
  while (p < tokens.size()) {
    Pair pair;
    pair.start = static_cast<std::int32_t>(p);
    for (; p < tokens.size() && tokens[p] < first_value; ++p) pair.key.push_back(tokens[p]);
    for (; p < tokens.size() && tokens[p] >= first_value; ++p) pair.value.push_back(tokens[p]);
    reading.pairs.push_back(pair);
  }
  return reading;
}

Ids with_last(const Example& example) {
  Ids tokens = example.ids;
  tokens.push_back(example.labels.back());
  return tokens;
}

bool is_word(const Ids& ids, std::int32_t low, std::int32_t end, std::size_t at_least) {
  return ids.size() >= at_least && ids.size() <= 3 &&
         std::set(ids.begin(), ids.end()).size() == ids.size() &&
         std::ranges::all_of(ids, [&](std::int32_t id) { return id >= low && id < end; });
}

/// What is wrong with an example; "" if nothing.
std::string fault(const FuzzyRecallSettings& settings, const Example& example, Split split) {
  const auto length = static_cast<std::int32_t>(settings.length);
  const auto pad = static_cast<std::int32_t>(settings.vocab) - 1;
  const std::int32_t m = pad / 2;
  if (std::ssize(example.ids) != length) return "another length";
  const Reading reading = read(with_last(example), m, pad);
  std::map<Ids, Ids> values;
  std::map<Ids, std::int32_t> latest;
  Example expected;
  std::string marks(static_cast<std::size_t>(reading.padding), '_');
  for (const Pair& pair : reading.pairs) {
    if (!is_word(pair.key, 0, m, split == Split::kTrain ? 1 : 3)) return "no key";
    if (!is_word(pair.value, m, pad, 1)) return "no value";
    const auto size = static_cast<std::int32_t>(pair.key.size());
    marks += std::string(pair.key.size(), 'k') + std::string(pair.value.size(), 'v');
    if (values.contains(pair.key)) {
      if (values[pair.key] != pair.value) return "another value";
      for (std::int32_t j = 0; j < std::ssize(pair.value); ++j) {
        const std::int32_t position = pair.start + size + j - 1;
        const std::int32_t source = latest[pair.key] + size + j;
        expected.positions.push_back(position);
        expected.labels.push_back(pair.value[static_cast<std::size_t>(j)]);
        for (const std::int32_t tag :
             {position - source, testing::level_by_halving(position, source), j}) {
          expected.tags.push_back(tag);
        }
      }
    } else if (&pair == &reading.pairs.back()) {
      return "the probe was not shown";
    }
    values[pair.key] = pair.value;
    latest[pair.key] = pair.start;
  }
  // The body ends with the pair that takes it to T-c-6 tokens; the probe begins in time.
  const Pair& probe = reading.pairs.back();
  const Pair& before = reading.pairs.at(reading.pairs.size() - 2);
  const auto room = length - static_cast<std::int32_t>(probe.key.size() + probe.value.size()) - 6;
  if (probe.start - reading.padding < room) return "too short a body";
  if (before.start - reading.padding >= room) return "too long a body";
  const auto first = std::ranges::find(reading.pairs, probe.key, &Pair::key);
  if (first->start - reading.padding > room - 6 + 5) return "the probe comes too late";

  const auto task = settings.make();
  marks.pop_back();
  if (example.positions != expected.positions) return "other positions";
  if (example.labels != expected.labels) return "other labels";
  if (example.tags != expected.tags) return "other tags";
  if (testing::marks_of(settings, *task, example) != marks) return "other kinds";
  std::vector<std::int64_t> right(2);
  task->count_right(example, right);
  if (right != std::vector<std::int64_t>(2, std::ssize(example.positions)))
    return "no ceiling of 1";
  return "";
}

/// The definition once more, with other random numbers and plain containers: T+1 tokens.
Ids another(std::mt19937_64& random, std::int32_t length, std::int32_t vocab, bool training) {
  const auto below = [&](std::int32_t bound) {
    return std::uniform_int_distribution<std::int32_t>(0, bound - 1)(random);
  };
  const auto word = [&](std::int32_t size, std::int32_t low, std::int32_t end) {
    Ids all(static_cast<std::size_t>(end - low));
    std::iota(all.begin(), all.end(), low);
    std::ranges::shuffle(all, random);
    return Ids(all.begin(), all.begin() + size);
  };
  const std::int32_t m = (vocab - 1) / 2;
  const auto new_key = [&] { return word(training ? 1 + below(3) : 3, 0, m); };
  const auto new_value = [&] { return word(1 + below(3), m, vocab - 1); };
  const Ids probe = new_key();
  std::map<Ids, Ids> values = {{probe, new_value()}};
  std::set<Ids> standing;
  const auto c = static_cast<std::int32_t>(probe.size() + values[probe].size());
  const std::int32_t i = below(length - c - 11);
  Ids tokens;
  const auto append = [&](const Ids& key) {
    if (!values.contains(key)) values[key] = new_value();
    tokens.insert(tokens.end(), key.begin(), key.end());
    tokens.insert(tokens.end(), values[key].begin(), values[key].end());
    standing.insert(key);
  };
  while (std::ssize(tokens) < length - c - 6) {
    append(std::ssize(tokens) >= i && !standing.contains(probe) ? probe : new_key());
  }
  append(probe);
  tokens.insert(tokens.begin(), static_cast<std::size_t>(length + 1) - tokens.size(), vocab - 1);
  return tokens;
}

/// What is counted of many examples, by name and value.
using Counts = std::map<std::string, std::vector<double>>;

void count(Counts& counts, const Reading& reading) {
  const auto add = [&](const char* name, std::size_t value) {
    std::vector<double>& cells = counts[name];
    cells.resize(200);
    cells.at(value) += 1.0;
  };
  std::set<Ids> shown;
  std::size_t scored = 0;
  std::size_t key_tokens = 0;
  for (const Pair& pair : reading.pairs) {
    if (!shown.insert(pair.key).second) scored += pair.value.size();
    key_tokens += pair.key.size();
  }
  const Pair& probe = reading.pairs.back();
  const auto first = std::ranges::find(reading.pairs, probe.key, &Pair::key);
  add("padding", static_cast<std::size_t>(reading.padding));
  add("probe from", static_cast<std::size_t>(first->start - reading.padding) / 2);
  add("probe again",
      static_cast<std::size_t>(std::ranges::count(reading.pairs, probe.key, &Pair::key)));
  add("pairs", reading.pairs.size());
  add("keys", shown.size());
  add("scored", scored);
  add("key tokens", key_tokens);
  add("first pair", 3 * reading.pairs[0].key.size() + reading.pairs[0].value.size());
  add("second pair", 3 * reading.pairs[1].key.size() + reading.pairs[1].value.size());
  add("second key begins with", static_cast<std::size_t>(reading.pairs[1].key[0]));
}

}  // namespace

TEST_CASE("fuzzy recall: settings are refused, or their examples agree with the twin") {
  int made = 0;
  for (std::int64_t length = 20; length < 90; length += 3) {
    for (std::int64_t vocab = 4; vocab < 24; ++vocab) {
      const auto settings = settings_of(length, vocab);
      const bool fits = length >= 24 && vocab >= 7;
      CAPTURE(length);
      CAPTURE(vocab);
      REQUIRE(message_of(settings).empty() == fits);
      if (!fits) continue;
      ++made;
      const std::int64_t values = vocab - 1 - (vocab - 1) / 2;
      CHECK(settings.make()->chance() == 1.0 / static_cast<double>(values));
      for (const Split split : kSplits) {
        for (const Example& example : drawn(settings, 6, split)) {
          REQUIRE(fault(settings, example, split) == "");
        }
      }
    }
  }
  CHECK(made > 300);
  for (const auto& settings : {settings_of(24, 7), settings_of(24, 8), settings_of(128, 16)}) {
    for (const Split split : kSplits) {
      for (const Example& example : drawn(settings, 300, split)) {
        REQUIRE(fault(settings, example, split) == "");
      }
    }
  }
}

TEST_CASE("fuzzy recall: training has keys of all lengths, validation and test of three") {
  for (const Split split : kSplits) {
    std::set<std::size_t> sizes;
    for (const Example& example : drawn(settings_of(128, 16), 20, split)) {
      for (const Pair& pair : read(with_last(example), 7, 15).pairs) sizes.insert(pair.key.size());
    }
    CHECK(sizes ==
          (split == Split::kTrain ? std::set<std::size_t>{1, 2, 3} : std::set<std::size_t>{3}));
  }
}

TEST_CASE("fuzzy recall: lengths and words of the probe are equally likely") {
  // V 7: keys of 0..2, values of 3..5.
  std::map<std::pair<std::size_t, std::size_t>, double> sizes;
  std::map<std::size_t, std::map<Ids, double>> keys;
  std::map<std::size_t, std::map<Ids, double>> values;
  std::map<Ids, double> tested;
  for (const Example& example : drawn(settings_of(24, 7), 6000)) {
    const Pair probe = read(with_last(example), 3, 6).pairs.back();
    sizes[{probe.key.size(), probe.value.size()}] += 1.0;
    keys[probe.key.size()][probe.key] += 1.0;
    values[probe.value.size()][probe.value] += 1.0;
  }
  for (const Example& example : drawn(settings_of(24, 7), 3000, Split::kTest)) {
    tested[read(with_last(example), 3, 6).pairs.back().key] += 1.0;
  }
  const auto counts = [](const auto& map, std::size_t cells) {
    std::vector<double> all;
    for (const auto& entry : map) all.push_back(entry.second);
    REQUIRE(all.size() == cells);
    return all;
  };
  CHECK(testing::misfit(counts(sizes, 9)) == "");
  for (const auto& words : {keys, values}) {
    CHECK(testing::misfit(counts(words.at(1), 3)) == "");
    CHECK(testing::misfit(counts(words.at(2), 6)) == "");
    CHECK(testing::misfit(counts(words.at(3), 6)) == "");
  }
  CHECK(testing::misfit(counts(tested, 6)) == "");
}

TEST_CASE("fuzzy recall: the generator of another text has the same laws") {
  constexpr std::uint64_t kExamples = 5000;
  for (const auto& length_and_vocab : {std::pair{30, 8}, std::pair{128, 16}}) {
    const auto [length, vocab] = length_and_vocab;
    for (const Split split : {Split::kTrain, Split::kTest}) {
      Counts ours;
      Counts theirs;
      const std::int32_t m = (vocab - 1) / 2;
      for (const Example& example : drawn(settings_of(length, vocab), kExamples, split)) {
        count(ours, read(with_last(example), m, vocab - 1));
      }
      std::mt19937_64 random(9);
      for (std::uint64_t i = 0; i < kExamples; ++i) {
        count(theirs, read(another(random, length, vocab, split == Split::kTrain), m, vocab - 1));
      }
      for (const auto& own : ours) {  // clang lets no lambda see a structured binding
        CAPTURE(own.first);
        CAPTURE(length_and_vocab.first);
        CHECK(testing::difference(own.second, theirs.at(own.first)) == "");
      }
    }
  }
}

TEST_CASE("fuzzy recall: the bytes of validation are pinned too") {
  CHECK(testing::hash_of(FuzzyRecallSettings(), Split::kTrain) == "b2441b69b160aca5");
  CHECK(testing::hash_of(FuzzyRecallSettings(), Split::kValidation) == "b6ba4f8ae94eb1d9");
}

TEST_CASE("fuzzy recall: every error names values, bound and remedy") {
  const auto error = [](const std::function<void(FuzzyRecallSettings&)>& change) {
    FuzzyRecallSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 23; }) ==
        "length = 23 is not in 24..16777216; raise it to 24 at least");
  CHECK(error([](auto& s) { s.vocab = 6; }) ==
        "vocab = 6 is not in 7..2097152; raise it to 7 at least");
}

}  // namespace recollect
