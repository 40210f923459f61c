#include "tasks/overlap.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tasks/compositional_recall.hpp"
#include "tasks/fuzzy_recall.hpp"
#include "tasks/in_context_recall.hpp"
#include "tasks/induction_heads.hpp"
#include "tasks/memorisation.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"

namespace recollect {
namespace {

/// Compares whole examples, tags apart, each with each.
Overlap overlap_by_brute_force(const Task& task, std::uint64_t seed, const SplitSizes& sizes) {
  const auto examples = [&](Split split, std::int64_t count) {
    std::vector<Example> all(static_cast<std::size_t>(count));
    GeneratorScratch scratch;
    for (std::size_t i = 0; i < all.size(); ++i) task.example({seed, split, i}, all[i], scratch);
    return all;
  };
  const auto same = [](const Example& a, const Example& b) {
    return a.ids == b.ids && a.positions == b.positions && a.labels == b.labels;
  };
  const auto count = [&](const std::vector<Example>& some, const std::vector<Example>& others) {
    return std::count_if(some.begin(), some.end(), [&](const Example& example) {
      return std::any_of(others.begin(), others.end(),
                         [&](const Example& other) { return same(example, other); });
    });
  };
  const std::vector<Example> train = examples(Split::kTrain, sizes.train);
  const std::vector<Example> validation = examples(Split::kValidation, sizes.validation);
  const std::vector<Example> test = examples(Split::kTest, sizes.test);
  Overlap overlap;
  overlap.validation_in_train = count(validation, train);
  overlap.test_in_train = count(test, train);
  overlap.test_in_validation = count(test, validation);
  for (std::size_t i = 0; i < train.size(); ++i) {
    overlap.repeats_in_train +=
        std::any_of(train.begin(), train.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Example& earlier) { return same(train[i], earlier); })
            ? 1
            : 0;
  }
  return overlap;
}

/// K 1, V 6: keys 1 and 2, values 3 to 5. With n = T - 3 random fillers 6 * 5^n examples exist.
std::unique_ptr<Task> tiny_mqar(std::int64_t length) {
  MqarSettings settings;
  settings.length = length;
  settings.pairs = 1;
  settings.vocab = 6;
  return settings.make();
}

void expect_the_twin(const Task& task, const SplitSizes& sizes) {
  for (const std::uint64_t seed : {0U, 7U}) {
    const Overlap expected = overlap_by_brute_force(task, seed, sizes);
    for (const int threads : {1, 3}) {
      const Overlap overlap = count_overlap(task, seed, sizes, threads);
      CAPTURE(seed);
      CAPTURE(threads);
      CHECK(overlap.validation_in_train == expected.validation_in_train);
      CHECK(overlap.test_in_train == expected.test_in_train);
      CHECK(overlap.test_in_validation == expected.test_in_validation);
      CHECK(overlap.repeats_in_train == expected.repeats_in_train);
    }
  }
}

TEST_CASE("overlap: counts what comparing each example with each finds") {
  // From nearly all examples shared to few: a filler multiplies the space by 5.
  for (const std::int64_t length : {4, 6, 8}) {
    CAPTURE(length);
    const std::unique_ptr<Task> task = tiny_mqar(length);
    expect_the_twin(*task, {300, 200, 150});
    expect_the_twin(*task, {65, 1, 64});  // on both sides of a block
  }
  SelectiveCopyingSettings copying;
  copying.dialect = CopyingDialect::kMad;
  copying.length = 5;
  copying.tokens = 2;
  copying.vocab = 12;
  copying.resolve();
  expect_the_twin(*copying.make(), {100, 90, 80});
  const Overlap some = count_overlap(*copying.make(), 0, {100, 90, 80}, 1);
  CHECK(some.test_in_train > 0);  // the twin above had something to find, and to leave out
  CHECK(some.test_in_train < 80);
}

template <class Settings>
std::unique_ptr<Task> tiny(std::int64_t length, std::int64_t vocab) {
  Settings settings;
  settings.length = length;
  settings.vocab = vocab;
  if constexpr (requires { settings.pairs; }) settings.pairs = 1;
  if constexpr (requires { settings.all; }) settings.all = true;
  return settings.make();
}

TEST_CASE("overlap: the same of the tasks whose spaces have closed forms") {
  // A second key of 2, a value of 2, a filler of 5; then as many fillers as make sharing rare.
  const SplitSizes sizes{1000, 900, 50};
  CHECK(count_overlap(*tiny<CompositionalRecallSettings>(6, 6), 0, {1000, 900, 50}, 1) ==
        Overlap{900, 50, 50, 1000 - 2 * 2 * 5});
  expect_the_twin(*tiny<CompositionalRecallSettings>(9, 6), {300, 200, 150});
  // Two keys and two values: the first pair, and whether it is the last one again.
  CHECK(count_overlap(*tiny<InContextRecallSettings>(4, 4), 0, sizes, 1) ==
        Overlap{900, 50, 50, 1000 - 4});
  expect_the_twin(*tiny<InContextRecallSettings>(12, 8), {300, 200, 150});
  // Three keys at two places; their values are the same in all splits.
  CHECK(count_overlap(*tiny<MemorisationSettings>(4, 7), 0, sizes, 1) ==
        Overlap{900, 50, 50, 1000 - 9});
  expect_the_twin(*tiny<MemorisationSettings>(8, 11), {300, 200, 150});
  // A trigger, two patterns and three ids at 0 and 4.
  CHECK(count_overlap(*tiny<InductionHeadsSettings>(5, 4), 0, sizes, 1) ==
        Overlap{900, 50, 50, 1000 - 18});
  expect_the_twin(*tiny<InductionHeadsSettings>(8, 6), {300, 200, 150});
  expect_the_twin(*tiny<FuzzyRecallSettings>(24, 7), {300, 200, 150});
}

TEST_CASE("overlap: the same ids asked at another place are another example") {
  MqarSettings settings;
  settings.layout = MqarLayout::kPowerLaw;
  settings.length = 6;  // k v and two slots, one of which asks; the filler may hold the key as well
  settings.pairs = 1;
  settings.vocab = 4;
  const std::unique_ptr<Task> task = settings.make();
  expect_the_twin(*task, {60, 200, 150});
}

TEST_CASE("overlap: closed forms at both ends") {
  // k v k and a filler: 30 examples exist, and enough draws hold all of them.
  const Overlap all = count_overlap(*tiny_mqar(4), 0, {1000, 900, 50}, 2);
  CHECK(all == Overlap{900, 50, 50, 1000 - 30});
  CHECK(all.leaks());
  const Overlap none = count_overlap(*tiny_mqar(60), 0, {1000, 100, 50}, 2);
  CHECK(none == Overlap{});
  CHECK_FALSE(none.leaks());
  CHECK(count_overlap(*tiny_mqar(4), 0, {}, 2) == Overlap{});
  CHECK(count_overlap(*tiny_mqar(4), 0, {0, 0, 50}, 2) == Overlap{});
}

}  // namespace
}  // namespace recollect
