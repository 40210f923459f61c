// `recollect show`: the example that training and scoring see, as text and as JSON.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "harness/render/json.hpp"
#include "harness/show/example_json.hpp"
#include "harness/show/example_text.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tasks/mqar.hpp"
#include "tasks/registry.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

using testing::BytesSettings;
using testing::EchoSettings;
using testing::toy_cell;

constexpr std::array<TokenKind, 4> kFixedKinds = {
    {{"filler", '.'}, {"key", 'k'}, {"value", 'v'}, {"query", 'q'}}};
constexpr std::array<std::string_view, 1> kFixedTags = {"lag"};
constexpr std::array<std::string_view, 1> kFixedMoreTags = {"odd"};
constexpr std::array<std::string_view, 2> kFixedRules = {"first", "recent"};

/// Always the same example, written by hand.
class Fixed final : public Task {
 public:
  [[nodiscard]] std::int64_t length() const noexcept override { return 10; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return 12; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return 2; }
  [[nodiscard]] double chance() const noexcept override { return 0.5; }
  void example(const Draw&, Example& out, GeneratorScratch&) const override {
    out.ids = {3, 9, 4, 10, 0, 4, 0, 7, 0, 3};
    out.positions = {5, 9};
    out.labels = {10, 9};
    out.tags = {2, 8};
  }
  void find_answers(const Example&, std::span<std::int32_t> answers) const override {
    std::ranges::copy(std::array{10, kNoAnswer, 9, 7}, answers.begin());
  }
  void find_kinds(const Example&, std::span<std::int32_t> kinds) const override {
    std::ranges::copy(std::array{1, 2, 1, 2, 0, 3, 0, 0, 0, 3}, kinds.begin());
  }
  void find_more_tags(const Example&, std::int64_t, GeneratorScratch&,
                      std::span<std::int32_t> values) const override {
    std::ranges::copy(std::array{1, kNoTag}, values.begin());
  }
};

class FixedSettings final : public TaskSettings {
 public:
  FixedSettings() { length = 10; }
  [[nodiscard]] std::string_view name() const noexcept override { return "fixed"; }
  [[nodiscard]] Names tags() const noexcept override { return kFixedTags; }
  [[nodiscard]] Names more_tags() const noexcept override { return kFixedMoreTags; }
  [[nodiscard]] Names rules() const noexcept override { return kFixedRules; }
  [[nodiscard]] TokenKinds kinds() const noexcept override { return kFixedKinds; }
  [[nodiscard]] Fields fields() override {
    Fields all;
    all.push_back(field("length", length, "T").range(10, 10));
    return all;
  }
  void validate() const override {}
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override {
    return std::make_unique<FixedSettings>(*this);
  }
  [[nodiscard]] std::unique_ptr<Task> make() const override { return std::make_unique<Fixed>(); }
};

Cell cell_of(std::shared_ptr<const TaskSettings> task) {
  return toy_cell(std::move(task), "adaptive-decay", "batch: 4, steps: 10, eval_every: 5");
}

/// The registered tasks at their defaults, the toy tasks, and a long one with many queries.
std::vector<Cell> all_cells() {
  std::vector<Cell> cells;
  for (const auto& entry : generated_tasks()) {
    std::shared_ptr<TaskSettings> settings = entry.settings();
    settings->resolve();
    cells.push_back(cell_of(settings));
  }
  cells.push_back(cell_of(std::make_shared<EchoSettings>()));
  cells.push_back(cell_of(std::make_shared<BytesSettings>(48)));
  cells.push_back(cell_of(std::make_shared<FixedSettings>()));
  const auto wide = std::make_shared<MqarSettings>();
  wide->length = 1024;
  wide->pairs = 64;
  wide->vocab = 8192;
  cells.push_back(cell_of(wide));
  return cells;
}

ShownExample shown_of(const Cell& cell, Split split = Split::kTest, std::int64_t index = 3) {
  return shown_example({cell, 2, 6}, split, index, cell.task->length);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& line : lines_of(text)) longest = std::max(longest, line.size());
  return longest;
}

/// What an example's text says, read back.
struct ReadBack {
  std::vector<std::int32_t> ids;
  std::string marks;
  std::map<std::size_t, std::int32_t> labels;             ///< by position
  std::map<std::string, std::vector<std::string>> lines;  ///< of the scored positions, by name
};

/// Words of a line with the column behind each.
std::vector<std::pair<std::string, std::size_t>> placed_words(const std::string& line) {
  std::vector<std::pair<std::string, std::size_t>> found;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t begin = line.find_first_not_of(' ', i);
    if (begin == std::string::npos) break;
    i = std::min(line.find(' ', begin), line.size());
    found.emplace_back(line.substr(begin, i - begin), i);
  }
  return found;
}

void read_row(const std::string& line, ReadBack& read,
              std::map<std::size_t, std::size_t>& position_at) {
  const auto found = placed_words(line);
  REQUIRE(!found.empty());
  const std::string& name = found.front().first;
  if (name != "kind" && name != "label") {
    REQUIRE(name == std::to_string(read.ids.size()));
    position_at.clear();
  }
  for (std::size_t i = 1; i < found.size(); ++i) {
    const std::string& word = found[i].first;  // clang 14 cannot capture a structured binding
    const std::size_t column = found[i].second;
    if (name == "kind") {
      REQUIRE(position_at.contains(column));
      read.marks += word;
    } else if (name == "label") {
      REQUIRE(position_at.contains(column));
      read.labels[position_at.at(column)] = std::stoi(word);
    } else {
      position_at[column] = read.ids.size();
      read.ids.push_back(std::stoi(word));
    }
  }
}

ReadBack read_back(const std::string& text) {
  ReadBack read;
  std::map<std::size_t, std::size_t> position_at;  // of the row, by the column behind an id
  std::size_t section = 0;
  for (const std::string& line : lines_of(text)) {
    if (line.empty()) {
      ++section;
    } else if (section == 1) {
      read_row(line, read, position_at);
    } else if (section > 2) {
      std::vector<std::string> parts = words(line);
      std::string name = parts.front();
      const bool has_kind = name == "rule" || name == "tag";
      if (has_kind) name += " " + parts.at(1);
      parts.erase(parts.begin(), parts.begin() + (has_kind ? 2 : 1));
      auto& values = read.lines[name];
      values.insert(values.end(), parts.begin(), parts.end());
    }
  }
  return read;
}

std::vector<std::string> tag_words(std::span<const std::int32_t> values, std::size_t tag,
                                   std::size_t tags) {
  std::vector<std::string> all;
  for (std::size_t i = tag; i < values.size(); i += tags) {
    all.push_back(values[i] == kNoTag ? "-" : std::to_string(values[i]));
  }
  return all;
}

void expect_same(const ReadBack& read, const ShownExample& shown) {
  const Example& example = shown.example;
  CHECK(read.ids == example.ids);
  std::string marks;
  for (const std::int32_t kind : shown.kind_of) {
    if (shown.kinds.size() > 1) marks += shown.kinds[static_cast<std::size_t>(kind)].mark;
  }
  CHECK(read.marks == marks);
  std::map<std::size_t, std::int32_t> labels;
  std::vector<std::string> positions;
  for (std::size_t r = 0; r < shown.scored(); ++r) {
    labels[static_cast<std::size_t>(example.positions[r])] = example.labels[r];
    positions.push_back(std::to_string(example.positions[r]));
  }
  CHECK(read.labels == labels);
  CHECK(read.lines.at("position") == positions);
  for (std::size_t i = 0; i < shown.tags.size(); ++i) {
    CHECK(read.lines.at(fmt::format("tag {}", shown.tags[i])) ==
          tag_words(example.tags, i, shown.tags.size()));
  }
  for (std::size_t i = 0; i < shown.more_tags.size(); ++i) {
    CHECK(read.lines.at(fmt::format("tag {}", shown.more_tags[i])) ==
          tag_words(shown.more_values, i, shown.more_tags.size()));
  }
  for (std::size_t i = 0; i < shown.rules.size(); ++i) {
    const std::string name = fmt::format("rule {}", shown.rules[i]);
    CHECK(read.lines.contains(name) == shown.answers_are_told());
    for (std::size_t r = 0; shown.answers_are_told() && r < shown.scored(); ++r) {
      const std::int32_t answer = shown.answers[r * shown.rules.size() + i];
      CHECK(read.lines.at(name)[r] ==
            fmt::format("{}{}", answer == kNoAnswer ? "-" : std::to_string(answer),
                        answer == example.labels[r] ? "" : "x"));
    }
  }
}

TEST_CASE("show: a small example, line by line") {
  const Cell cell = cell_of(std::make_shared<FixedSettings>());
  CHECK(example_text(shown_of(cell), 60) == R"(task      fixed: length 10
example   3 in 0..999, split test, data_seed 0
cell      2 of 6: adaptive-decay, seed 0
kinds     . filler, k key, v value, q query

    0  3  9  4 10  0  4  0  7  0  3
 kind  k  v  k  v  .  q  .  .  .  q
label                10           9

scored    2 positions, where the label is to be answered;
          chance 0.5
rules     first is right at 2 of 2, recent is right at 0 of
          2; x: wrong, -: no answer
tags      lag in slices.csv; odd in more_slices.csv; -: says
          nothing

position     5   9
id           4   3
label       10   9
rule first  10   9
rule recent  -x  7x
tag lag      2   8
tag odd      1   -
)");
}

TEST_CASE("show: no line is too long, and all that is known of an example can be read there") {
  for (const Cell& cell : all_cells()) {
    for (const std::size_t width : {40, 80, 120}) {
      CAPTURE(cell.task->name());
      CAPTURE(width);
      const ShownExample shown = shown_of(cell);
      const std::string text = example_text(shown, width);
      CHECK(longest_line(text) <= width);
      CHECK(text.find('\x1b') == std::string::npos);
      expect_same(read_back(text), shown);
    }
  }
}

TEST_CASE("show: a label without blanks goes on in the next line") {
  Cell cell = cell_of(std::make_shared<EchoSettings>());
  cell.variant.label = std::string(90, 'Z');
  const std::string text = example_text(shown_of(cell), 40);
  CHECK(longest_line(text) <= 40);
  CHECK(std::count(text.begin(), text.end(), 'Z') == 90);
  cell.variant.label = "\x1b[31mred";
  CHECK(example_text(shown_of(cell), 40).find('\x1b') == std::string::npos);
}

TEST_CASE("show: a task that tells only how many its rules get right still shows that") {
  const Cell cell = cell_of(std::make_shared<BytesSettings>(48));
  const std::string text = example_text(shown_of(cell), 100);
  CHECK(text.find("rules     step is right at 47 of 48\n") != std::string::npos);
  CHECK(text.find("kind") == std::string::npos);
}

TEST_CASE("show: JSON says what the text says") {
  for (const Cell& cell : all_cells()) {
    CAPTURE(cell.task->name());
    const ShownExample shown = shown_of(cell);
    const Json json = Json::parse(example_json(shown));
    const Example& example = shown.example;
    CHECK(json["task"]["name"] == cell.task->name());
    CHECK(json["task"]["length"] == cell.task->length);
    CHECK(json["split"] == "test");
    CHECK(json["example"] == 3);
    CHECK(json["cell"]["number"] == 2);
    CHECK(json["cell"]["cells"] == 6);
    CHECK(json["ids"].get<std::vector<std::int32_t>>() == example.ids);
    CHECK(json["chance"].get<double>() == shown.chance);
    REQUIRE(json["kind"].size() == example.ids.size());
    for (std::size_t p = 0; p < example.ids.size(); ++p) {
      const auto& kind = shown.kinds[static_cast<std::size_t>(shown.kind_of[p])];
      REQUIRE(json["kind"][p] == kind.name);
    }
    REQUIRE(json["scored"].size() == shown.scored());
    for (std::size_t r = 0; r < shown.scored(); ++r) {
      const Json& scored = json["scored"][r];
      CHECK(scored["position"] == example.positions[r]);
      CHECK(scored["label"] == example.labels[r]);
      CHECK(scored.contains("rules") == shown.answers_are_told());
      for (std::size_t i = 0; i < shown.tags.size(); ++i) {
        CHECK(scored["tags"][std::string(shown.tags[i])] == example.tags_of(r)[i]);
      }
    }
    for (std::size_t i = 0; i < shown.rules.size(); ++i) {
      CHECK(json["rules_right"][std::string(shown.rules[i])] == shown.right[i]);
    }
  }
}

TEST_CASE("show: JSON has null where there is no answer or a tag says nothing") {
  const Cell cell = cell_of(std::make_shared<FixedSettings>());
  const Json json = Json::parse(example_json(shown_of(cell)));
  const Json& first = json["scored"][0];
  const Json& second = json["scored"][1];
  CHECK(first["rules"]["first"] == Json::parse(R"({"answer": 10, "right": true})"));
  CHECK(first["rules"]["recent"] == Json::parse(R"({"answer": null, "right": false})"));
  CHECK(second["rules"]["recent"] == Json::parse(R"({"answer": 7, "right": false})"));
  CHECK(first["more_tags"]["odd"] == 1);
  CHECK(second["more_tags"]["odd"].is_null());
}

/// Every example that anyone drew: data seed, split, index, length.
struct Log {
  std::mutex mutex;
  std::map<std::tuple<std::uint64_t, Split, std::uint64_t, std::int64_t>, Example> drawn;
};

/// MQAR that writes down what it is asked for.
class LoggedTask final : public Task {
 public:
  LoggedTask(std::unique_ptr<Task> task, std::shared_ptr<Log> log)
      : task_(std::move(task)), log_(std::move(log)) {}
  [[nodiscard]] std::int64_t length() const noexcept override { return task_->length(); }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return task_->vocab(); }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return task_->max_scored(); }
  [[nodiscard]] double chance() const noexcept override { return task_->chance(); }
  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    task_->example(draw, out, scratch);
    const std::scoped_lock lock(log_->mutex);
    log_->drawn[{draw.seed, draw.split, draw.index, length()}] = out;
  }

 private:
  std::unique_ptr<Task> task_;
  std::shared_ptr<Log> log_;
};

class LoggedSettings final : public TaskSettings {
 public:
  explicit LoggedSettings(std::shared_ptr<Log> log) : log_(std::move(log)) { length = 24; }
  [[nodiscard]] std::string_view name() const noexcept override { return "logged"; }
  [[nodiscard]] Names tags() const noexcept override { return MqarSettings().tags(); }
  [[nodiscard]] Fields fields() override {
    Fields all;
    all.push_back(field("length", length, "T").range(8, 64));
    return all;
  }
  void validate() const override {}
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override {
    return std::make_unique<LoggedSettings>(*this);
  }
  [[nodiscard]] std::unique_ptr<Task> make() const override {
    MqarSettings settings;
    settings.length = length;
    settings.pairs = 2;
    settings.vocab = 16;
    return std::make_unique<LoggedTask>(settings.make(), log_);
  }

 private:
  std::shared_ptr<Log> log_;
};

TEST_CASE("show: the example is the one that training, validation and scoring draw") {
  for (const bool online : {true, false}) {
    for (const std::int64_t data_seed : {0, 7}) {
      const auto log = std::make_shared<Log>();
      Cell cell = toy_cell(std::make_shared<LoggedSettings>(log), "fixed-decay",
                           "batch: 4, steps: 6, eval_every: 3, validation_examples: 5");
      if (!online) cell.train.examples = 9;
      cell.data_seed = data_seed;
      cell.seed = 3;
      cell.train.select_length = 32;
      cell.eval.lengths = {24, 40};
      cell.eval.examples = 4;
      TrainObserver silent;
      (void)train(cell, 2, silent);
      SequenceModel<float> model = build_model(cell);
      for (const std::int64_t length : cell.eval.lengths) {
        (void)score(model, cell, Split::kTest, length, cell.eval.examples, 2, true);
      }
      const auto drawn = log->drawn;
      std::map<std::pair<Split, std::int64_t>, std::int64_t> most;
      for (const auto& entry : drawn) {
        const Example& example = entry.second;
        const Split split = std::get<1>(entry.first);
        const std::uint64_t index = std::get<2>(entry.first);
        const std::int64_t length = std::get<3>(entry.first);
        CHECK(std::get<0>(entry.first) == static_cast<std::uint64_t>(data_seed));
        const ShownExample shown =
            shown_example({cell}, split, static_cast<std::int64_t>(index), length);
        CHECK(shown.example.ids == example.ids);
        CHECK(shown.example == example);
        auto& count = most[{split, length}];
        count = std::max(count, static_cast<std::int64_t>(index) + 1);
      }
      // What is drawn and what can be shown are the same, to the last example.
      for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
        for (const std::int64_t length : lengths_of(cell, split)) {
          if (split == Split::kValidation && length == 40) continue;  // not scored above
          CAPTURE(name_of(split));
          CAPTURE(length);
          CHECK(most[{split, length}] == examples_of(cell, split));
          most.erase({split, length});
        }
      }
      CHECK(most.empty());
    }
  }
}

}  // namespace
}  // namespace recollect
