#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "math/fenwick.hpp"
#include "tasks/compositional_recall.hpp"
#include "tasks/in_context_recall.hpp"
#include "tasks/induction_heads.hpp"
#include "tasks/mqar.hpp"
#include "tasks/registry.hpp"
#include "tasks/selective_copying.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/task_errors.hpp"
#include "tests/support/tasks_twin.hpp"

namespace recollect {
namespace {

struct Case {
  std::string name;
  std::shared_ptr<TaskSettings> settings;
};

MqarSettings mqar(MqarLayout layout, MqarFiller filler, std::int64_t length, std::int64_t pairs,
                  std::int64_t vocab = 128, std::int64_t offset = 0) {
  MqarSettings settings;
  settings.layout = layout;
  settings.filler = filler;
  settings.length = length;
  settings.pairs = pairs;
  settings.vocab = vocab;
  settings.offset = offset;
  return settings;
}

SelectiveCopyingSettings copying(CopyingDialect dialect, std::int64_t length = 0,
                                 std::int64_t tokens = 16) {
  SelectiveCopyingSettings settings;
  settings.dialect = dialect;
  settings.length = length;
  settings.tokens = tokens;
  settings.resolve();
  return settings;
}

constexpr MqarLayout kLayouts[] = {MqarLayout::kPacked, MqarLayout::kPowerLaw};
constexpr MqarFiller kFillers[] = {MqarFiller::kRandom, MqarFiller::kZeros, MqarFiller::kClean};

// Every registered task at its defaults, then every layout, filler, offset and dialect.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const TaskEntry& entry : generated_tasks()) {
    Case made{std::string(entry.name), entry.settings()};
    made.settings->resolve();
    cases.push_back(std::move(made));
  }
  for (const MqarLayout layout : kLayouts) {
    for (const MqarFiller filler : kFillers) {
      for (const std::int64_t offset : {0, 1}) {
        std::string name = layout == MqarLayout::kPacked ? "packed" : "power-law";
        name += filler == MqarFiller::kRandom ? " random" : "";
        name += filler == MqarFiller::kZeros ? " zeros" : "";
        name += filler == MqarFiller::kClean ? " clean" : "";
        name += offset == 1 ? " offset" : "";
        cases.push_back({std::move(name),
                         std::make_shared<MqarSettings>(mqar(layout, filler, 64, 8, 128, offset))});
      }
    }
  }
  using Change = void (*)(MqarSettings&);
  const auto more = [&](std::string name, MqarLayout layout, MqarFiller filler, Change change) {
    auto settings = std::make_shared<MqarSettings>(mqar(layout, filler, 64, 4, 32, 1));
    change(*settings);
    cases.push_back({std::move(name), std::move(settings)});
  };
  more("level random", MqarLayout::kLevel, MqarFiller::kRandom, [](auto& s) { s.level = 5; });
  more("level zeros, twice, again", MqarLayout::kLevel, MqarFiller::kZeros, [](auto& s) {
    s.level = 6;
    s.repeat = 2;
    s.rebind = 3;
  });
  more("packed clean, again", MqarLayout::kPacked, MqarFiller::kClean,
       [](auto& s) { s.rebind = 4; });
  more("packed random, three times", MqarLayout::kPacked, MqarFiller::kRandom,
       [](auto& s) { s.repeat = 3; });
  more("power-law clean, twice, again", MqarLayout::kPowerLaw, MqarFiller::kClean, [](auto& s) {
    s.repeat = 2;
    s.rebind = 2;
  });
  more("power-law zeros, again", MqarLayout::kPowerLaw, MqarFiller::kZeros,
       [](auto& s) { s.rebind = 1; });
  const char* const names[] = {"adaptive", "mad", "mamba", "mad-uniform"};
  for (const CopyingDialect dialect : kDialects) {
    cases.push_back({names[static_cast<int>(dialect)],
                     std::make_shared<SelectiveCopyingSettings>(copying(dialect, 64))});
  }
  for (const auto layout : {CompositionalLayout::kPacked, CompositionalLayout::kPowerLaw}) {
    for (const auto filler :
         {CompositionalFiller::kRandom, CompositionalFiller::kZeros, CompositionalFiller::kClean}) {
      const auto settings = std::make_shared<CompositionalRecallSettings>();
      settings->layout = layout;
      settings->filler = filler;
      settings->length = 64;
      settings->pairs = 9;
      settings->vocab = 64;
      const std::string place = layout == CompositionalLayout::kPacked ? "packed" : "power-law";
      const char* const fillers[] = {"random", "zeros", "clean"};
      cases.push_back(
          {"compositional " + place + " " + fillers[static_cast<int>(filler)], settings});
    }
  }
  const auto noisy = std::make_shared<InContextRecallSettings>();
  noisy->vocab = 33;
  noisy->noise_ids = 16;
  noisy->noise = 0.2;
  cases.push_back({"in-context noise", noisy});
  const auto all = std::make_shared<InductionHeadsSettings>();
  all->all = true;
  cases.push_back({"induction-heads all", all});
  return cases;
}

// What the names of rules and tags may consist of: they become columns and words of tables.
bool is_word(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The value of a tag of scored position r; none where the task has no such tag.
std::optional<std::int32_t> tag_of(const TaskSettings& settings, const Example& example,
                                   std::size_t r, std::string_view name) {
  const Names names = settings.tags();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return example.tags_of(r)[static_cast<std::size_t>(found - names.begin())];
}

void append(std::vector<std::int32_t>& words, const TaskSettings& settings,
            const Example& example) {
  words.insert(words.end(), example.ids.begin(), example.ids.end());
  words.insert(words.end(), example.positions.begin(), example.positions.end());
  words.insert(words.end(), example.labels.begin(), example.labels.end());
  for (std::size_t r = 0; r < example.positions.size(); ++r) {
    // `pair` first: this is how the bytes below were pinned.
    const auto pair = tag_of(settings, example, r, "pair");
    if (pair) words.push_back(*pair);
    for (std::size_t tag = 0; tag < settings.tags().size(); ++tag) {
      if (settings.tags()[tag] != "pair") words.push_back(example.tags_of(r)[tag]);
    }
  }
}

std::uint64_t hash_words(const std::vector<std::int32_t>& words) {
  return hash_bytes(std::as_bytes(std::span(words)));
}

// Examples 0..count-1 of the training split, worker w of `threads` making every threads-th.
std::vector<Example> generate(const Task& task, std::size_t count, std::size_t threads) {
  std::vector<Example> examples(count);
  std::vector<std::thread> workers;
  for (std::size_t w = 0; w < threads; ++w) {
    workers.emplace_back([&, w] {
      GeneratorScratch scratch;
      for (std::size_t i = w; i < count; i += threads) {
        task.example({5, Split::kTrain, i}, examples[i], scratch);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return examples;
}

// Accuracy of the rule "recent" over many examples.
double recent_ceiling(const MqarSettings& settings, std::uint64_t examples) {
  const std::unique_ptr<Task> task = settings.make();
  Example example;
  GeneratorScratch scratch;
  std::int64_t right = 0;
  for (std::uint64_t i = 0; i < examples; ++i) {
    task->example({0, Split::kTest, i}, example, scratch);
    right += twin::ceilings(*task, example).recent;
  }
  return static_cast<double>(right) /
         (static_cast<double>(examples) * static_cast<double>(task->max_scored()));
}

}  // namespace

TEST_CASE("tasks: the registry names every task once and finds it") {
  std::vector<std::string> names = tasks().names();
  CHECK(names.at(0) == "mqar");
  CHECK(names.at(1) == "selective-copying");
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
  for (const TaskEntry& entry : tasks()) {
    CAPTURE(entry.name);
    REQUIRE(tasks().find(entry.name) == &entry);
    CHECK_FALSE(entry.description.empty());
    const auto settings = entry.settings();
    CHECK(settings->name() == entry.name);
    const Fields fields = settings->fields();
    CHECK(fields.front().name == "length");
    CHECK(std::get<std::int64_t*>(fields.front().value) == &settings->length);
  }
  CHECK(tasks().find("mqr") == nullptr);
}

TEST_CASE("tasks: every example has the promised shape") {
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const auto task = c.settings->make();
    CHECK(task->length() == c.settings->length);
    CHECK(task->chance() > 0.0);
    CHECK(task->chance() < 1.0);
    for (const Names names : {c.settings->tags(), c.settings->more_tags(), c.settings->rules()}) {
      CHECK(std::ranges::all_of(names, is_word));
      CHECK(std::set(names.begin(), names.end()).size() == names.size());
    }
    for (const Example& example : generate(*task, 20, 1)) {
      REQUIRE(std::ssize(example.ids) == task->length());
      const auto scored = std::ssize(example.positions);
      REQUIRE((scored >= 1 && scored <= task->max_scored()));
      REQUIRE(std::ssize(example.labels) == scored);
      REQUIRE(std::ssize(example.tags) == scored * std::ssize(c.settings->tags()));
      REQUIRE(std::ranges::adjacent_find(example.positions, std::greater_equal{}) ==
              example.positions.end());
      for (const std::int32_t id : example.ids) REQUIRE((id >= 0 && id < task->vocab()));
      for (std::size_t r = 0; r < example.positions.size(); ++r) {
        const std::int32_t position = example.positions[r];
        REQUIRE((position >= 0 && position < task->length()));
        REQUIRE((example.labels[r] >= 0 && example.labels[r] < task->vocab()));
        const auto lag = tag_of(*c.settings, example, r, "lag");
        if (!lag) continue;
        REQUIRE((*lag > 0 && *lag <= position));
        REQUIRE(example.ids[static_cast<std::size_t>(position - *lag)] == example.labels[r]);
        const auto seen_at = tag_of(*c.settings, example, r, "level");
        if (seen_at) REQUIRE(*seen_at == level(position, position - *lag));
      }
      std::vector<std::int64_t> right(c.settings->rules().size(), -1);
      task->count_right(example, right);
      for (const std::int64_t count : right) REQUIRE((count >= 0 && count <= scored));
    }
  }
}

TEST_CASE("tasks: what the files of MQAR and copying are sorted by stays as it is") {
  for (const char* name : {"mqar", "selective-copying"}) {
    const auto settings = tasks().find(name)->settings();
    const auto words = [](Names names) {
      return std::vector<std::string>(names.begin(), names.end());
    };
    CHECK(words(settings->tags()) == std::vector<std::string>{"lag", "level", "pair"});
    CHECK(words(settings->rules()) == std::vector<std::string>{"first", "recent"});
    CHECK(words(settings->more_tags()).back() == "sixteenth");
  }
}

TEST_CASE("tasks: the same bytes with 1, 2 and 7 threads and in any order") {
  constexpr std::size_t kCount = 60;
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const auto task = c.settings->make();
    const std::vector<Example> alone = generate(*task, kCount, 1);
    CHECK(generate(*task, kCount, 2) == alone);
    CHECK(generate(*task, kCount, 7) == alone);
    // Backwards, by another Task object, into an example and a scratch that another task has used.
    const auto other = mqar(MqarLayout::kPowerLaw, MqarFiller::kClean, 300, 20, 256, 1).make();
    const auto copy = c.settings->clone()->make();
    Example example;
    GeneratorScratch scratch;
    for (std::size_t i = kCount; i-- > 0;) {
      other->example({1, Split::kTest, i}, example, scratch);
      copy->example({5, Split::kTrain, i}, example, scratch);
      REQUIRE(example == alone[i]);
    }
  }
}

TEST_CASE("tasks: the bytes of every layout, filler, offset and dialect are pinned") {
  const std::vector<std::pair<std::string, std::string>> pinned = {
      {"mqar", "6e333bbb3311315f"},
      {"selective-copying", "aef4f05ba4aa6669"},
      {"packed random", "32fcf5c9ac779590"},
      {"packed random offset", "fb02e5e14bd7be69"},
      {"packed zeros", "f84a59d0daf76666"},
      {"packed zeros offset", "991edddfb32b0ce0"},
      {"packed clean", "ba60a55fa71b5d67"},
      {"packed clean offset", "6154abd94ddef408"},
      {"power-law random", "71e03ef3e4868e39"},
      {"power-law random offset", "ef66ff72aea7cb79"},
      {"power-law zeros", "4f3d32ecf63c06a6"},
      {"power-law zeros offset", "8b06fc30ef43edcb"},
      {"power-law clean", "ba009f605a1133f9"},
      {"power-law clean offset", "1182dec343455b2c"},
      {"adaptive", "63fc78158f01ddfe"},
      {"mad-uniform", "52307ea4d08044ab"},
      {"mad", "941d347f845c092a"},
      {"mamba", "f9b9662333da0aa3"},
      {"group-words", "a13b7a3e45792a7f"},
      {"compositional-recall", "96ea2c56147491cb"},
      {"compositional packed random", "630bd4c034a66af4"},
      {"compositional packed zeros", "4780cecefa937958"},
      {"compositional packed clean", "8bab1d71df6c2ce9"},
      {"compositional power-law random", "7c03574543d6ca0c"},
      {"compositional power-law zeros", "ad2ec4e053b5fb9a"},
      {"compositional power-law clean", "502614eef5909214"},
      {"in-context-recall", "5fa5ed4589017e20"},
      {"in-context noise", "634bfca948356a29"},
      {"fuzzy-recall", "b2441b69b160aca5"},
      {"memorisation", "981a7b5606611607"},
      {"induction-heads", "765a7df33c03e5a0"},
      {"induction-heads all", "80edca24af6d60e1"},
      {"level random", "6604a67a0ae8d14a"},
      {"level zeros, twice, again", "918987625f23621e"},
      {"packed clean, again", "94ff717e1d67e508"},
      {"packed random, three times", "f44716e8e3292285"},
      {"power-law clean, twice, again", "1b59a0912bc8b81d"},
      {"power-law zeros, again", "8854840fc957adfa"},
  };
  const std::vector<Case> cases = all_cases();
  REQUIRE(cases.size() >= pinned.size());
  for (const auto& line : pinned) {
    const std::string& name = line.first;
    const auto found = std::ranges::find(cases, name, &Case::name);
    REQUIRE(found != cases.end());
    std::vector<std::int32_t> words;
    for (const Example& example : generate(*found->settings->make(), 100, 1)) {
      append(words, *found->settings, example);
    }
    CAPTURE(name);
    CHECK(hex(hash_words(words)) == line.second);
  }
}

TEST_CASE("tasks: a seed, a split and an index each change the example") {
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const auto task = c.settings->make();
    GeneratorScratch scratch;
    Example base;
    Example other;
    task->example({1, Split::kTrain, 0}, base, scratch);
    task->example({2, Split::kTrain, 0}, other, scratch);
    CHECK(other.ids != base.ids);
    task->example({1, Split::kTrain, 1}, other, scratch);
    CHECK(other.ids != base.ids);
    task->example({1, Split::kValidation, 0}, other, scratch);
    CHECK(other.ids != base.ids);
  }
}

TEST_CASE("tasks: no example is shared between splits") {
  constexpr std::uint64_t kExamples = 10000;
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const auto task = c.settings->make();
    GeneratorScratch scratch;
    Example example;
    std::unordered_set<std::uint64_t> seen;
    for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
      for (std::uint64_t i = 0; i < kExamples; ++i) {
        task->example({3, split, i}, example, scratch);
        seen.insert(hash_words(example.ids));
      }
    }
    CHECK(seen.size() == 3 * kExamples);
  }
}

TEST_CASE("tasks: generating allocates nothing after the first example") {
  for (const Case& c : all_cases()) {
    CAPTURE(c.name);
    const auto task = c.settings->make();
    GeneratorScratch scratch;
    Example example;
    const std::uint64_t at_start = testing::allocations();
    task->example({0, Split::kTrain, 0}, example, scratch);
    const std::uint64_t after_first = testing::allocations();
    if (testing::counts_allocations()) CHECK(after_first > at_start);
    for (std::uint64_t i = 1; i < 200; ++i) task->example({0, Split::kTrain, i}, example, scratch);
    CHECK(testing::allocations() == after_first);
  }
}

TEST_CASE("tasks: three examples of every layout and dialect agree with the brute-force twin") {
  for (const Case& c : all_cases()) {
    const auto task = c.settings->make();
    for (const Example& example : generate(*task, 3, 1)) {
      CAPTURE(c.name);
      if (const auto* settings = dynamic_cast<const MqarSettings*>(c.settings.get())) {
        CHECK(twin::mqar_fault(*settings, example, twin::ceilings(*task, example)) == "");
      } else if (const auto* options =
                     dynamic_cast<const SelectiveCopyingSettings*>(c.settings.get())) {
        CHECK(twin::copying_fault(*options, example, twin::ceilings(*task, example)) == "");
      }
    }
  }
}

TEST_CASE("tasks: random settings are refused, or their examples agree with the twin") {
  Rng rng(17, Stream::kOrder, 0);
  int made = 0;
  int refused = 0;
  Example example;
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    MqarSettings settings;
    settings.layout = kLayouts[rng.below(2)];
    settings.filler = kFillers[rng.below(3)];
    settings.length = rng.between(1, 90);
    settings.pairs = rng.between(1, 20);
    settings.vocab = std::int64_t{2} * rng.between(2, 24);
    settings.offset = rng.between(0, 1);
    CAPTURE(settings.length);
    CAPTURE(settings.pairs);
    CAPTURE(settings.vocab);
    CAPTURE(settings.offset);
    const bool fits = 4 * settings.pairs + settings.offset <= settings.length &&
                      settings.pairs <= settings.vocab / 2 - 1;
    REQUIRE(message_of(settings).empty() == fits);
    (fits ? made : refused) += 1;
    if (!fits) continue;
    const auto task = settings.make();
    task->example({i, Split::kTrain, i}, example, scratch);
    REQUIRE(twin::mqar_fault(settings, example, twin::ceilings(*task, example)) == "");
    REQUIRE(twin::ceilings(*task, example).first == settings.pairs);  // the pairs come first
    REQUIRE(task->max_scored() == settings.pairs);
    REQUIRE(task->chance() == 1.0 / static_cast<double>(settings.pairs));
  }
  CHECK(made > 300);
  CHECK(refused > 300);
  made = refused = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    SelectiveCopyingSettings settings;
    settings.dialect = kDialects[rng.below(4)];
    settings.length = rng.between(1, 150);
    settings.tokens = rng.between(1, 80);
    const bool adaptive = settings.dialect == CopyingDialect::kAdaptive;
    settings.vocab = adaptive ? 128 : rng.between(3, 40);
    CAPTURE(static_cast<int>(settings.dialect));
    CAPTURE(settings.length);
    CAPTURE(settings.tokens);
    CAPTURE(*settings.vocab);
    const bool mamba = settings.dialect == CopyingDialect::kMamba;
    const bool fits = 2 * settings.tokens + (mamba ? 0 : 1) <= settings.length &&
                      (!adaptive || settings.tokens <= 63);
    REQUIRE(message_of(settings).empty() == fits);
    (fits ? made : refused) += 1;
    if (!fits) continue;
    const auto task = settings.make();
    task->example({i, Split::kTrain, i}, example, scratch);
    REQUIRE(twin::copying_fault(settings, example, twin::ceilings(*task, example)) == "");
    REQUIRE(task->max_scored() == settings.tokens);
    const auto guesses = static_cast<double>(adaptive ? settings.tokens : *settings.vocab - 2);
    REQUIRE(task->chance() == 1.0 / guesses);
  }
  CHECK(made > 300);
  CHECK(refused > 300);
}

TEST_CASE("tasks: the tightest settings of every kind work") {
  for (const MqarLayout layout : kLayouts) {
    for (const MqarFiller filler : kFillers) {
      for (const std::int64_t offset : {0, 1}) {
        for (const std::int64_t pairs : {1, 2, 63}) {
          const auto settings =
              mqar(layout, filler, 4 * pairs + offset, pairs, 2 * (pairs + 1), offset);
          const auto task = settings.make();
          for (const Example& example : generate(*task, 50, 1)) {
            REQUIRE(twin::mqar_fault(settings, example, twin::ceilings(*task, example)) == "");
          }
        }
      }
    }
  }
  for (const CopyingDialect dialect : kDialects) {
    for (const std::int64_t tokens : {1, 2, 63}) {
      const bool mamba = dialect == CopyingDialect::kMamba;
      const auto settings = copying(dialect, 2 * tokens + (mamba ? 0 : 1), tokens);
      const auto task = settings.make();
      for (const Example& example : generate(*task, 50, 1)) {
        REQUIRE(twin::copying_fault(settings, example, twin::ceilings(*task, example)) == "");
      }
    }
  }
}

TEST_CASE("tasks: at offset 0 the key is alone in level 1 of its value, at offset 1 never") {
  for (const std::int64_t offset : {0, 1}) {
    for (std::int64_t value = offset + 1; value < 60; value += 2) {
      CHECK((level(value, value - 1) == 1) == (offset == 0));
    }
  }
}

TEST_CASE("tasks: MQAR ceilings count bindings that end before the query, and chance agreement") {
  // V 8: keys 1..3, values 4..7. One query each at the last position but one.
  const auto task = mqar(MqarLayout::kPacked, MqarFiller::kRandom, 10, 1, 8).make();
  const auto ceilings = [&](std::vector<std::int32_t> ids) {
    const auto position = static_cast<std::int32_t>(ids.size()) - 2;
    const Example example{std::move(ids), {position}, {5}, {position - 1, 1, 0}};
    const twin::Ceilings found = twin::ceilings(*task, example);
    return std::pair{found.first, found.recent};
  };
  using Both = std::pair<std::int64_t, std::int64_t>;
  CHECK(ceilings({1, 5, 2, 2, 7, 7, 3, 3, 1, 4}) == Both{1, 1});  // the query's own successor
  CHECK(ceilings({1, 5, 1, 6, 7, 7, 3, 3, 1, 4}) == Both{1, 0});  // bound anew
  CHECK(ceilings({1, 5, 1, 6, 7, 1, 5, 3, 1, 4}) == Both{1, 1});  // the last agrees by chance
  CHECK(ceilings({1, 5, 1, 3, 7, 7, 1, 1, 1, 4}) == Both{1, 1});  // followed by keys: no binding
  CHECK(ceilings({1, 5, 2, 2, 7, 7, 1, 4, 1, 4}) == Both{1, 0});  // at p-2, the last that counts
  CHECK(ceilings({1, 5, 2, 2, 7, 7, 7, 1, 1, 4}) == Both{1, 1});  // at p-1: too late
  CHECK(ceilings({1, 6, 2, 2, 7, 7, 1, 5, 1, 4}) == Both{0, 1});  // another first binding
}

TEST_CASE("tasks: MQAR's ceiling by the latest binding is the known one") {
  const auto packed = [](MqarFiller filler, std::int64_t length, std::int64_t pairs) {
    return 100.0 * recent_ceiling(mqar(MqarLayout::kPacked, filler, length, pairs), 5000);
  };
  CHECK(std::abs(packed(MqarFiller::kRandom, 256, 4) - 39.5) < 1.5);
  CHECK(std::abs(packed(MqarFiller::kRandom, 128, 8) - 69.0) < 1.5);
  CHECK(packed(MqarFiller::kRandom, 128, 32) == 100.0);
  CHECK(packed(MqarFiller::kClean, 256, 4) == 100.0);
  CHECK(packed(MqarFiller::kClean, 128, 8) == 100.0);
  CHECK(packed(MqarFiller::kZeros, 256, 4) == 100.0);
}

TEST_CASE("tasks: options that were not given follow from the dialect") {
  const auto resolved = [](CopyingDialect dialect) {
    SelectiveCopyingSettings settings;
    settings.dialect = dialect;
    settings.resolve();
    settings.resolve();
    return std::pair{settings.length, settings.vocab.value()};
  };
  using Both = std::pair<std::int64_t, std::int64_t>;
  CHECK(resolved(CopyingDialect::kAdaptive) == Both{256, 128});
  CHECK(resolved(CopyingDialect::kMad) == Both{256, 16});
  CHECK(resolved(CopyingDialect::kMamba) == Both{4096, 16});
  SelectiveCopyingSettings given;
  given.dialect = CopyingDialect::kMamba;
  given.length = 100;
  given.vocab = 20;
  given.resolve();
  CHECK(given.length == 100);
  CHECK(given.vocab == 20);
  SelectiveCopyingSettings unresolved;
  CHECK(unresolved.make()->length() == 256);
  CHECK(unresolved.make()->vocab() == 128);
}

}  // namespace recollect
