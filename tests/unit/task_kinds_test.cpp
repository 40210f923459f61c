// What tasks tell people of their tokens, and what their rules answer, against brute force.

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tasks/mqar.hpp"
#include "tasks/registry.hpp"
#include "tasks/selective_copying.hpp"
#include "tests/support/generated_tasks.hpp"

namespace recollect {
namespace {

std::vector<Example> drawn(const Task& task, std::uint64_t count) {
  std::vector<Example> examples(count);
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < count; ++i) {
    task.example({3, i % 2 == 0 ? Split::kTrain : Split::kTest, i}, examples[i], scratch);
  }
  return examples;
}

std::vector<std::string> kinds_of(const TaskSettings& settings, const Task& task,
                                  const Example& example) {
  std::vector<std::int32_t> places(example.ids.size(), 99);
  task.find_kinds(example, places);
  std::vector<std::string> kinds;
  for (const std::int32_t place : places) {
    kinds.emplace_back(settings.kinds()[static_cast<std::size_t>(place)].name);
  }
  return kinds;
}

/// From the definition alone; where random filler may hold a key, from the positions.
std::string mqar_kind(const MqarSettings& settings, const Example& example, std::int64_t p) {
  const std::int64_t after = settings.offset + 2 * settings.pairs;
  const auto id = [&](std::int64_t at) { return example.ids[static_cast<std::size_t>(at)]; };
  if (p >= settings.offset && p < after) return (p - settings.offset) % 2 == 0 ? "key" : "value";
  const std::int64_t first = settings.length - 2 * settings.pairs;
  bool query = p >= first && (p - first) % 2 == 0;
  if (settings.layout == MqarLayout::kPowerLaw) {
    query = false;
    if (settings.filler == MqarFiller::kRandom) {
      for (const std::int32_t position : example.positions) query = query || position == p;
    } else {
      for (std::int64_t s = settings.offset; s < after; s += 2) query = query || id(s) == id(p);
    }
  }
  return query ? "query" : "filler";
}

/// From the id alone, and in dialect mad from what went before.
std::string copying_kind(CopyingDialect dialect, std::int32_t vocab, std::int32_t id,
                         bool after_copy) {
  if (dialect == CopyingDialect::kAdaptive) {
    if (id == 1) return "copy token";
    if (id == 2) return "blank";
    return id <= 65 ? "data" : "noise";
  }
  if (id == vocab - 1) return "copy token";
  if (dialect == CopyingDialect::kMamba) return id == 0 ? "noise" : "data";
  if (id == vocab - 2) return after_copy ? "blank" : "noise";
  return "data";
}

TEST_CASE("task kinds: MQAR knows keys, values, queries and filler in every layout") {
  for (const MqarLayout layout : {MqarLayout::kPacked, MqarLayout::kPowerLaw}) {
    for (const MqarFiller filler : {MqarFiller::kRandom, MqarFiller::kZeros, MqarFiller::kClean}) {
      for (const std::int64_t offset : {0, 1}) {
        MqarSettings settings;
        settings.layout = layout;
        settings.filler = filler;
        settings.offset = offset;
        settings.length = 41;
        settings.pairs = 5;
        settings.vocab = 16;
        const auto task = settings.make();
        for (const Example& example : drawn(*task, 20)) {
          const std::vector<std::string> kinds = kinds_of(settings, *task, example);
          for (std::size_t p = 0; p < kinds.size(); ++p) {
            CAPTURE(p);
            REQUIRE(kinds[p] == mqar_kind(settings, example, static_cast<std::int64_t>(p)));
          }
        }
      }
    }
  }
}

TEST_CASE("task kinds: selective copying knows data, noise, copy tokens and blanks") {
  for (const CopyingDialect dialect : {CopyingDialect::kAdaptive, CopyingDialect::kMad,
                                       CopyingDialect::kMamba, CopyingDialect::kMadUniform}) {
    SelectiveCopyingSettings settings;
    settings.dialect = dialect;
    settings.length = 30;
    settings.tokens = 6;
    settings.resolve();
    const auto task = settings.make();
    const auto vocab = static_cast<std::int32_t>(task->vocab());
    for (const Example& example : drawn(*task, 20)) {
      const std::vector<std::string> kinds = kinds_of(settings, *task, example);
      bool after_copy = false;
      for (std::size_t p = 0; p < kinds.size(); ++p) {
        CAPTURE(p);
        const std::string kind = copying_kind(dialect, vocab, example.ids[p], after_copy);
        REQUIRE(kinds[p] == kind);
        after_copy = after_copy || kind == "copy token";
      }
    }
  }
}

TEST_CASE("task kinds: each has a name and a visible mark of its own") {
  for (const auto& entry : generated_tasks()) {
    CAPTURE(entry.name);
    const std::unique_ptr<TaskSettings> settings = entry.settings();
    std::set<std::string> names;
    std::set<char> marks;
    for (const TokenKind& kind : settings->kinds()) {
      CHECK(names.insert(std::string(kind.name)).second);
      CHECK(marks.insert(kind.mark).second);
      CHECK((kind.mark > ' ' && kind.mark <= '~'));
    }
    CHECK(names.size() >= 2);
  }
}

TEST_CASE("task rules: MQAR's answer the earliest and the latest binding before the query") {
  MqarSettings settings;
  settings.length = 60;
  settings.pairs = 4;
  settings.vocab = 16;
  const auto task = settings.make();
  std::int64_t misled = 0;
  for (const Example& example : drawn(*task, 50)) {
    std::vector<std::int32_t> answers(2 * example.positions.size(), 99);
    task->find_answers(example, answers);
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const auto query = static_cast<std::size_t>(example.positions[r]);
      std::vector<std::int32_t> bound;
      for (std::size_t s = 0; s + 2 <= query; ++s) {
        if (example.ids[s] == example.ids[query] && example.ids[s + 1] >= 8) {
          bound.push_back(example.ids[s + 1]);
        }
      }
      REQUIRE(answers[2 * r] == bound.front());
      REQUIRE(answers[2 * r + 1] == bound.back());
      misled += bound.front() != bound.back() ? 1 : 0;
    }
  }
  CHECK(misled > 20);
}

TEST_CASE("task rules: what they answer and how many they answer correctly agree") {
  for (const auto& entry : generated_tasks()) {
    CAPTURE(entry.name);
    const std::unique_ptr<TaskSettings> settings = entry.settings();
    settings->resolve();
    const std::size_t rules = settings->rules().size();
    const auto task = settings->make();
    for (const Example& example : drawn(*task, 10)) {
      std::vector<std::int32_t> answers(rules * example.positions.size(), 99);
      std::vector<std::int64_t> right(rules);
      task->find_answers(example, answers);
      task->count_right(example, right);
      for (std::size_t i = 0; i < rules; ++i) {
        std::int64_t equal = 0;
        for (std::size_t r = 0; r < example.labels.size(); ++r) {
          equal += answers[r * rules + i] == example.labels[r] ? 1 : 0;
        }
        CHECK(right[i] == equal);
      }
    }
  }
}

}  // namespace
}  // namespace recollect
