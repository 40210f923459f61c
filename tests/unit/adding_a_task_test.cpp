// docs/adding_a_task.md: its example is built from the page's own text, and does what the page
// says.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/show/example_text.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tasks/what_followed.hpp"  // from the page
#include "tests/support/page_quote.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

TEST_CASE("adding a task: the page's example asks for what followed the trigger") {
  WhatFollowedSettings settings;
  settings.length = 40;
  const auto task = settings.make();
  GeneratorScratch scratch;
  Example example;
  std::int64_t repeated = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    task->example({3, Split::kTrain, i}, example, scratch);
    REQUIRE(example.positions == std::vector<std::int32_t>{38});
    REQUIRE(example.ids[38] == example.ids[1]);
    REQUIRE(example.labels == std::vector<std::int32_t>{example.ids[2]});
    REQUIRE(example.tags.size() == settings.tags().size());
    REQUIRE(example.tags_of(0)[0] == 36);
    std::array<std::int64_t, 2> right{};
    task->count_right(example, right);
    // Filler at position 0 may be the trigger.
    const bool misled = example.ids[0] == example.ids[1];
    REQUIRE(right[0] == (misled && example.ids[1] != example.ids[2] ? 0 : 1));
    repeated += std::count(example.ids.begin() + 3, example.ids.begin() + 38, example.ids[1]) > 0;
    if (std::count(example.ids.begin() + 3, example.ids.begin() + 38, example.ids[1]) == 0) {
      REQUIRE(right[1] == 1);
    }
  }
  CHECK(repeated > 100);
  settings.vocab = 63;
  CHECK_THROWS_WITH_AS(settings.validate(),
                       "vocab = 63 must be even, since half of the ids are patterns; use 62 or 64",
                       FieldError);
}

TEST_CASE("adding a task: the page shows what `recollect show` prints of its example") {
  auto settings = std::make_shared<WhatFollowedSettings>();
  settings->length = 24;
  settings->vocab = 16;
  Cell cell = testing::toy_cell(settings, "adaptive-decay", "steps: 5000");
  cell.train.examples = 10000;
  const PageQuote quote = page_quote("docs/adding_a_task.md", "./recollect show");
  CHECK(example_text(shown_example({cell}, Split::kTrain, 0, 24), 100) == quote.text);
}

TEST_CASE("adding a task: the page's example is trained and scored") {
  auto settings = std::make_shared<WhatFollowedSettings>();
  settings->length = 16;
  settings->vocab = 8;
  const Cell cell = testing::toy_cell(settings, "adaptive-decay",
                                      "batch: 8, steps: 20, eval_every: 10, "
                                      "validation_examples: 50");
  TrainObserver silent;
  const TrainResult result = train(cell, 2, silent);
  REQUIRE(result.history.size() == 2);
  SequenceModel<float> model = build_model(cell);
  const Score score = recollect::score(model, cell, Split::kTest, 16, 50, 2, true);
  CHECK(score.scored == 50);
  REQUIRE(score.rules.size() == 2);
  CHECK(score.rules[0].rule == "first");
  CHECK(score.rules[0].accuracy > score.rules[1].accuracy);
  REQUIRE(score.slices.size() == 2);
  CHECK(score.slices[0].slice == "lag");
  CHECK(score.slices[0].value == 12);
  CHECK(score.slices[1].slice == "level");
}

}  // namespace
}  // namespace recollect
