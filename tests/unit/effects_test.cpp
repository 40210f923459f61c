// Variants and options of one set of results against each other.
#include "harness/compare/effects.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/render/json.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/stats/survival.hpp"
#include "harness/store/csv.hpp"
#include "models/outside.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {
namespace {

ResultSet reference(const std::vector<std::string>& experiments) {
  return read_result_set(source_folder() / "results/reference", experiments);
}

const Effect& between(const std::vector<Effect>& effects, const std::string& a,
                      const std::string& b) {
  const auto found = std::find_if(effects.begin(), effects.end(), [&](const Effect& effect) {
    return effect.a == a && effect.b == b;
  });
  REQUIRE(found != effects.end());
  return *found;
}

}  // namespace

TEST_CASE("effects: the reference results by variant, as an independent computation has them") {
  const Effects effects = effects_of(reference({"mqar-128-32", "mqar-headline"}),
                                     {.by = "variant", .against = "", .score = {}});
  // Ratios of restricted mean steps, pooled over both experiments: 0.79 (0.69 to 0.88), 0.93 (0.80
  // to 1.07) and 1.18 (1.09 to 1.30), to within the resampling.
  const Effect& learned = between(effects.pooled, "linear-decay", "adaptive-decay");
  CHECK(learned.ratio == doctest::Approx(0.7875).epsilon(1e-3));
  CHECK(learned.ratio_interval->low == doctest::Approx(0.69).epsilon(0.02));
  CHECK(learned.ratio_interval->high == doctest::Approx(0.88).epsilon(0.02));
  const Effect& constant = between(effects.pooled, "fixed-decay", "adaptive-decay");
  CHECK(constant.ratio == doctest::Approx(0.9288).epsilon(1e-3));
  CHECK(constant.ratio_interval->contains(1.0));
  CHECK(between(effects.pooled, "fixed-decay", "linear-decay").ratio ==
        doctest::Approx(1.1794).epsilon(1e-3));
  CHECK(effects.pooled.size() == 3);
  CHECK(effects.each.size() == 6 + 3);
  const Effect& first = effects.each.front();
  CHECK(first.seeds == 20);
  CHECK(first.steps_a == 4335.0);
  CHECK(first.steps_b == 4675.0);
  CHECK(first.limit == 6000.0);
  CHECK_FALSE(first.interval.has_value());  // seeds fall apart
}

TEST_CASE("effects: one value can be set against all others, and turned round the signs change") {
  const ResultSet set = reference({"mqar-128-32"});
  const Effects all = effects_of(set, {.by = "variant", .against = "", .score = {}});
  const Effects some = effects_of(set, {.by = "variant", .against = "adaptive-decay", .score = {}});
  CHECK(all.each.size() == 6);
  CHECK(some.each.size() == 3);
  CHECK(some.pooled.empty());
  const Effect& one = between(all.each, "linear-decay", "adaptive-decay");
  const Effect& other = between(some.each, "adaptive-decay", "linear-decay");
  CHECK(one.difference == doctest::Approx(-other.difference));
  CHECK(one.ratio == doctest::Approx(1.0 / other.ratio));
  CHECK(one.solved_a == other.solved_b);
}

TEST_CASE("effects: labels that tell the values of an option apart do not keep them apart") {
  ResultSet set = reference({"mqar-128-32"});
  std::erase_if(set.cells, [](const CellResult& cell) { return cell.label != "fixed-decay"; });
  std::vector<CellResult> others = set.cells;
  for (CellResult& cell : others) {
    cell.label = "no gate";
    for (Setting& setting : cell.settings) {
      if (setting.name == "model_gate") setting.value = {"none", true};
    }
    if (cell.score) cell.score->accuracy = 0.5;
  }
  set.cells.insert(set.cells.end(), others.begin(), others.end());
  set.exact.assign(set.cells.size(), std::nullopt);
  const Effects effects = effects_of(set, {.by = "model.gate", .against = "input", .score = {}});
  REQUIRE(effects.each.size() == 1);
  CHECK(effects.each[0].b == "none");
  CHECK(effects.each[0].pairs == 20);
  CHECK(effects.each[0].accuracy_b == doctest::Approx(0.5));
}

TEST_CASE("effects: of a model trained elsewhere nobody knows whether it solved the task") {
  ResultSet set = reference({"mqar-128-32"});
  for (CellResult& cell : set.cells) {
    if (cell.label == "gated-linear") {
      cell.variant = kOutside;
      cell.status.solved_step.reset();
    }
  }
  const EffectQuestion question{.by = "variant", .against = "gated-linear", .score = {}};
  const Effects effects = effects_of(set, question);
  REQUIRE(effects.each.size() == 3);
  for (const Effect& effect : effects.each) {
    CHECK(effect.pairs == 20);
    CHECK_FALSE(effect.training_known);
    CHECK_FALSE(effect.p_solved.has_value());
    CHECK_FALSE(effect.p_log_rank.has_value());
  }
  const std::string text = effects_text(effects, set);
  CHECK(text.find("accuracy") != std::string::npos);
  CHECK(text.find("    solved") == std::string::npos);
  CHECK(text.find("    mean step") == std::string::npos);
  const CsvTable csv = parse_csv(effects_csv(effects, set), "effects.csv");
  for (const char* name : {"solved_a", "solved_b", "limit", "mean_step_a", "ratio"}) {
    const std::size_t at = csv.index(name);
    for (const auto& row : csv.rows) CHECK(row[at].empty());
  }
  // Solved on both sides and its p, the mean steps, their ratio with its interval, and its p.
  std::string table = effects_markdown(effects, set);
  std::erase(table, ' ');
  CHECK(table.find("|-|-|-|-|-|-|-|-|\n") != std::string::npos);
}

TEST_CASE("effects: an option of the configuration, cell by cell") {
  const TemporaryFolder out;
  Watch watch;
  run(parse_experiment(R"(experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {examples: 20}
grid: {train.learning_rate: [1e-3, 1e-2]}
seeds: [0, 1, 2, 3]
)",
                       "tiny.yaml"),
      out.path(), watch);
  const ResultSet set = read_result_set(out.path());
  const Effects effects =
      effects_of(set, {.by = "train.learning_rate", .against = "", .score = {}});
  REQUIRE(effects.each.size() == 2);  // a variant each
  CHECK(effects.each[0].a == "0.001");
  CHECK(effects.each[0].b == "0.01");
  CHECK(effects.each[0].where().find("fixed-decay") != std::string::npos);
  // By hand: the mean of the paired differences of the test accuracy.
  for (const Effect& effect : effects.each) {
    double sum = 0.0;
    int count = 0;
    for (const CellResult& cell : set.cells) {
      if (cell.score->key.weights != Weights::kBest || cell.score->key.split != Split::kTest ||
          effect.where().find(cell.label) == std::string::npos) {
        continue;
      }
      const bool is_b =
          same_number(setting_of(cell.settings, "train_learning_rate").text) == "0.01";
      sum += is_b ? cell.score->accuracy : -cell.score->accuracy;
      ++count;
    }
    CHECK(count == 8);
    CHECK(effect.difference == doctest::Approx(sum / 4.0));
    CHECK(effect.seeds == 4);
    CHECK(effect.pairs == 4);
  }
  const Json json = Json::parse(effects_json(effects, set));
  CHECK(json["each"].size() == 2);
  CHECK(json["each"][0]["difference"].get<double>() == effects.each[0].difference);

  const auto message = [&](const EffectQuestion& question) {
    try {
      (void)effects_of(set, question);
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message({.by = "train.learning_rat", .against = "", .score = {}})
            .find("did you mean 'train.learning_rate'?") != std::string::npos);
  CHECK(message({.by = "learning_rate", .against = "", .score = {}})
            .find("did you mean 'train.learning_rate'?") != std::string::npos);
  CHECK(message({.by = "task.pairs", .against = "", .score = {}})
            .find("nothing can be set against it") != std::string::npos);
  CHECK(message({.by = "variant", .against = "linear", .score = {}})
            .find("it has fixed-decay, full-quadratic") != std::string::npos);
}

}  // namespace recollect
