// The library behind `recollect bench`. No test looks at how long something took.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "harness/bench/agreement.hpp"
#include "harness/bench/export.hpp"
#include "harness/bench/measure.hpp"
#include "harness/bench/probe.hpp"
#include "harness/bench/report.hpp"
#include "harness/bench/workload.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/trainer.hpp"
#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

using nlohmann::json;

BenchShape tiny_shape() {
  BenchShape shape;
  shape.lengths = {16};
  shape.batch = 3;
  shape.pairs = 2;
  shape.overrides = {"model.width=8", "model.chunk=4", "model.lambda_hidden=8"};
  return shape;
}

BenchSettings brief() {
  BenchSettings settings;
  settings.samples = 2;
  settings.seconds = 1e-4;
  settings.probe_seconds = 1e-4;
  return settings;
}

void say_nothing(const std::string&) {}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("bench: the JSON parses and holds every promised field and every sample") {
  const BenchReport report =
      run_bench(suite_groups(Suite::kSteps, tiny_shape()), brief(), dense_twin, say_nothing);
  const json parsed = json::parse(bench_json(report, {Suite::kSteps, brief(), 1}));
  for (const char* name : {"attainable_gflops", "peak_gflops", "threads", "probe_tolerance"}) {
    CAPTURE(name);
    CHECK(parsed.at(name).get<double>() > 0.0);
  }
  for (const char* name : {"suite", "cpu", "compiler", "build", "code_version"}) {
    CAPTURE(name);
    CHECK_FALSE(parsed.at(name).get<std::string>().empty());
  }
  const json& rates = parsed.at("rates").at(0);
  CHECK(rates.at("threads") == 1);
  CHECK(rates.at("attainable_gflops").get<double>() >=
        std::max(rates.at("own_gflops").get<double>(), rates.at("eigen_gflops").get<double>()));

  std::set<std::string> variants;
  for (const json& row : parsed.at("rows")) {
    variants.insert(row.at("variant").get<std::string>());
    CHECK(row.at("status") == "ok");
    CHECK(row.at("length") == 16);
    CHECK(row.at("checked_length") == 16);
    CHECK(row.at("batch") == 3);
    CHECK(row.at("scored") == 2);
    CHECK(row.at("width") == 8);
    CHECK(row.at("threads") == 1);
    // The options that the variant has.
    const std::string variant = row.at("variant");
    const bool has_mlp = variant == "adaptive-decay" || variant == "softmax-level";
    if (is_built_in(variant)) {
      CHECK(row.at("options") == (variant == "full-quadratic" ? "width=8"
                                  : has_mlp                   ? "width=8 lambda_hidden=8 chunk=4"
                                                              : "width=8 chunk=4"));
    }
    const double ms = row.at("ms_per_step").get<double>();
    CHECK(ms > 0.0);
    CHECK(row.at("tokens_per_second").get<double>() == doctest::Approx(48e3 / ms).epsilon(1e-4));
    CHECK(row.at("gflops").get<double>() ==
          doctest::Approx(row.at("nominal_gflop").get<double>() / ms * 1e3).epsilon(1e-4));
    CHECK(row.at("fraction").get<double>() > 0.0);
    CHECK(row.at("workspace_bytes").get<std::int64_t>() > 0);
    CHECK(row.at("state_floats").get<std::int64_t>() > 0);
    CHECK(row.at("time_ratio").is_null());
    REQUIRE(row.at("samples").size() >= 2);
    CHECK(row.at("samples").size() == row.at("samples_taken"));
    for (const json& sample : row.at("samples")) {
      CHECK(sample.at("ms").get<double>() > 0.0);
      CHECK(sample.at("probe_before").get<double>() > 0.0);
      CHECK(sample.at("probe_after").get<double>() > 0.0);
      CHECK(sample.at("accepted").is_boolean());
    }
  }
  const std::vector<std::string> known = mixers().names();
  CHECK(variants == std::set<std::string>(known.begin(), known.end()));
}

TEST_CASE("bench: the CSV has a line a row, with the fields of the JSON") {
  BenchShape shape = tiny_shape();
  shape.variants = {"adaptive-decay", "full-quadratic"};
  const BenchReport report =
      run_bench(suite_groups(Suite::kSteps, shape), brief(), dense_twin, say_nothing);
  const CsvTable table = parse_csv(to_csv(bench_csv(report)), "bench.csv");
  const json rows = json::parse(bench_json(report, {Suite::kSteps, brief(), 1})).at("rows");
  REQUIRE(table.rows.size() == 2);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    CHECK(table.header.size() + 1 == rows.at(i).size());  // but for the samples
    for (std::size_t column = 0; column < table.header.size(); ++column) {
      const json& value = rows.at(i).at(table.header[column]);
      const std::string& cell = table.rows[i][column];
      CAPTURE(table.header[column]);
      if (value.is_string()) CHECK(cell == value.get<std::string>());
      if (value.is_number()) CHECK(to_real(cell) == value.get<double>());
      if (value.is_null()) CHECK(cell.empty());
    }
  }
}

TEST_CASE("bench: a shape whose twin disagrees gets no figure") {
  BenchShape shape = tiny_shape();
  shape.variants = {"adaptive-decay", "full-quadratic"};
  const Twin wrong_for_one = [](const Cell& cell, std::span<const float> weights,
                                std::span<const Example> examples, BenchMode mode) {
    Outputs outputs = dense_twin(cell, weights, examples, mode);
    if (cell.variant.name == "adaptive-decay") outputs.loss *= 1.0 + 1e-5;
    return outputs;
  };
  const BenchReport report =
      run_bench(suite_groups(Suite::kSteps, shape), brief(), wrong_for_one, say_nothing);
  const json rows = json::parse(bench_json(report, {Suite::kSteps, brief(), 1})).at("rows");
  CHECK(rows.at(0).at("status") == "disagrees");
  CHECK(holds(rows.at(0).at("note").get<std::string>(), "loss 1.0e-05 (bound 1e-06)"));
  for (const char* name : {"ms_per_step", "tokens_per_second", "gflops", "fraction"}) {
    CAPTURE(name);
    CHECK(rows.at(0).at(name).is_null());
    CHECK(rows.at(1).at(name).is_number());
  }
  CHECK(rows.at(0).at("samples").empty());
  CHECK(rows.at(1).at("status") == "ok");
  CHECK(holds(bench_text(report, {Suite::kSteps, brief(), 1}), "disagrees with its twin"));
}

TEST_CASE("bench: an error in any single tensor of the gradient is caught") {
  BenchShape shape = tiny_shape();
  shape.variants = {"adaptive-decay"};
  const Cell cell = bench_cells(shape).front();
  const ParameterLayout layout = build_model(cell).layout();
  for (const ParameterInfo& info : layout.all()) {
    CAPTURE(info.name);
    for (const double factor : {1.05, std::numeric_limits<double>::quiet_NaN()}) {
      const Twin twin = [&](const Cell& at, std::span<const float> weights,
                            std::span<const Example> examples, BenchMode mode) {
        Outputs outputs = dense_twin(at, weights, examples, mode);
        const auto begin = outputs.numbers.begin() + info.tensor.offset;
        *std::max_element(begin, begin + info.tensor.size(),
                          [](double a, double b) { return std::abs(a) < std::abs(b); }) *= factor;
        return outputs;
      };
      const Agreement agreement = check_agreement(cell, {}, BenchMode::kTrain, twin);
      CHECK_FALSE(agreement.agrees());
      CHECK(agreement.worst_tensor == info.name);
    }
  }
  const Twin wrong_logit = [](const Cell& at, std::span<const float> weights,
                              std::span<const Example> examples, BenchMode mode) {
    Outputs outputs = dense_twin(at, weights, examples, mode);
    outputs.numbers.back() += 1e-3;
    return outputs;
  };
  CHECK_FALSE(check_agreement(cell, {}, BenchMode::kScore, wrong_logit).agrees());
}

TEST_CASE("bench: the fast path agrees with its twin for every variant and option measured") {
  BenchShape shape = tiny_shape();
  shape.lengths = {32};
  shape.overrides = {"model.chunk=8"};
  shape.batch = 8;  // enough tokens for the table of the first layer
  std::vector<BenchGroup> groups = suite_groups(Suite::kSteps, shape);
  for (const BenchGroup& group : suite_groups(Suite::kOptions, shape)) groups.push_back(group);
  for (const BenchMode mode : {BenchMode::kTrain, BenchMode::kScore, BenchMode::kStream}) {
    for (const BenchGroup& group : groups) {
      const Cell& cell = group.cases.back().cell;
      const Execution execution = group.cases.back().execution;
      const Agreement agreement = check_agreement(cell, execution, mode, dense_twin);
      CAPTURE(group.cases.back().name);
      CAPTURE(cell.variant.name);
      CAPTURE(execution.shortcuts);
      INFO(agreement.text());
      CHECK(agreement.agrees());
      CHECK(agreement.output_error > 0.0);  // a twin, not the same once more
    }
  }
}

TEST_CASE("bench: a long shape is compared at a shorter length, and its row says so") {
  BenchShape shape = tiny_shape();
  shape.variants = {"gated-linear"};
  shape.lengths = {2 * kLongestTwin};
  shape.overrides = {"model.width=2", "model.layers=1"};
  shape.batch = 1;
  std::int64_t seen = 0;
  const Twin twin = [&](const Cell& cell, std::span<const float> weights,
                        std::span<const Example> examples, BenchMode mode) {
    seen = cell.task->length;
    CHECK(cell.levels == level_count(kLongestTwin));
    CHECK(static_cast<std::int64_t>(examples.front().ids.size()) == kLongestTwin);
    return outputs_of<double>(cell, {}, weights, examples, 0, mode);
  };
  const BenchReport report =
      run_bench(suite_groups(Suite::kSteps, shape), brief(), twin, say_nothing);
  const json row = json::parse(bench_json(report, {Suite::kSteps, brief(), 1})).at("rows").at(0);
  CHECK(seen == kLongestTwin);
  CHECK(row.at("status") == "ok");
  CHECK(row.at("length") == 2 * kLongestTwin);
  CHECK(row.at("checked_length") == kLongestTwin);
  CHECK(holds(row.at("note").get<std::string>(), "compared with its twin at 4096 tokens"));
}

// --- samples -----------------------------------------------------------------------------------

Sample sample_of(double ms, double before, double after) {
  return Sample{ms, before, after, false};
}

TEST_CASE("bench: a sample is quiet when its probes are near each other and the best") {
  CHECK(is_quiet(sample_of(1, 100, 100), 100));
  CHECK(is_quiet(sample_of(1, 95, 100), 100));
  CHECK_FALSE(is_quiet(sample_of(1, 94, 100), 100));
  CHECK_FALSE(is_quiet(sample_of(1, 100, 94), 100));
  CHECK_FALSE(is_quiet(sample_of(1, 80, 80), 100));
  CHECK_FALSE(is_quiet(sample_of(1, 97, 92), 97));
}

TEST_CASE("bench: a noisy sample is repeated, at most five times, and all are kept") {
  const auto take_from = [](std::vector<Sample> script, double& best) {
    std::vector<Sample> samples;
    std::size_t next = 0;
    take_sample(samples, best, [&] { return script.at(next++); });
    return samples;
  };
  double best = 100.0;
  CHECK(take_from({sample_of(1, 99, 98)}, best).size() == 1);
  CHECK(
      take_from({sample_of(9, 60, 99), sample_of(9, 99, 60), sample_of(1, 99, 99)}, best).size() ==
      3);
  CHECK(take_from(std::vector<Sample>(9, sample_of(9, 60, 60)), best).size() == 6);
  CHECK(best == 100.0);
  // A probe that is faster than any before raises what the others are held against.
  CHECK(take_from({sample_of(1, 100, 120), sample_of(1, 100, 100), sample_of(1, 119, 120)}, best)
            .size() == 3);
  CHECK(best == 120.0);
}

TEST_CASE("bench: a row takes medians over its accepted samples") {
  std::vector<Sample> samples = {sample_of(9.0, 50, 50), sample_of(2.0, 100, 96),
                                 sample_of(4.0, 100, 100), sample_of(3.0, 98, 98)};
  const Timing timing = summarise_samples(samples, 100.0, 0.12);
  CHECK_FALSE(timing.noisy);
  CHECK_FALSE(samples[0].accepted);
  CHECK(samples[1].accepted);
  CHECK(timing.ms == 3.0);
  CHECK(timing.probe == 98.0);
  // 60/98, 30/100 and 40/98: each sample against its own probes.
  CHECK(timing.fraction == doctest::Approx(40.0 / 98.0));

  // A faster probe later in the run makes all of these suspect: medians over all, and a flag.
  const Timing noisy = summarise_samples(samples, 200.0, 0.12);
  CHECK(noisy.noisy);
  CHECK_FALSE(samples[1].accepted);
  CHECK(noisy.ms == 3.5);
}

TEST_CASE("bench: comparisons divide by work and by what the machine offers more") {
  const RelativeTiming twice{2.0, 1.6, 1.0, false};
  CHECK(twice.excess() == doctest::Approx(1.25));
  CHECK(twice.speedup() == doctest::Approx(0.8));
  const RelativeTiming two_cells{1.25, 2.0, 1.9, false};
  CHECK(two_cells.speedup() == doctest::Approx(1.6));
  CHECK(two_cells.efficiency() == doctest::Approx(1.6 / 1.9));
}

// --- what is measured --------------------------------------------------------------------------

TEST_CASE("bench: suites hold the cases that they are about") {
  BenchShape shape;
  shape.threads = 6;
  const std::vector<BenchGroup> steps = suite_groups(Suite::kSteps, shape);
  CHECK(steps.size() == 4 * mixers().size());
  CHECK(steps.front().cases.front().cell.train.batch == 64);
  CHECK(steps.front().cases.front().threads == 6);

  std::set<std::string> changes;
  std::size_t without_shortcuts = 0;
  for (const BenchGroup& group : suite_groups(Suite::kOptions, shape)) {
    REQUIRE(group.cases.size() == 2);
    CHECK(group.compare);
    CHECK(group.cases[0].name == "plain");
    CHECK(group.cases[0].cell.task->length == 256);
    CHECK(group.cases[0].cell.hash() != group.cases[1].cell.hash());
    CHECK(group.cases[0].execution.shortcuts == group.cases[1].execution.shortcuts);
    changes.insert(group.cases[1].name);
    if (!group.cases[1].execution.shortcuts) ++without_shortcuts;
  }
  CHECK(without_shortcuts == changes.size());
  for (const char* name : {"short_conv 4", "mlp 2", "rope", "heads 2", "heads 4", "width 32",
                           "width 128", "width 256", "norm pre", "full-quadratic"}) {
    CAPTURE(name);
    CHECK(changes.contains(name));
  }

  std::vector<std::string> cells;
  std::vector<std::string> threads;
  const std::vector<BenchGroup> scaling = suite_groups(Suite::kScaling, shape);
  REQUIRE(scaling.size() == 2);
  for (const BenchCase& one : scaling[0].cases) {
    CHECK(one.threads == 1);
    cells.push_back(one.name);
  }
  for (const BenchCase& one : scaling[1].cases) {
    CHECK(one.cells == 1);
    threads.push_back(one.name);
  }
  CHECK(cells == std::vector<std::string>{"1 cell at once", "2 cells at once", "4 cells at once",
                                          "6 cells at once"});
  CHECK(threads == std::vector<std::string>{"1 thread", "2 threads", "4 threads", "6 threads"});
}

TEST_CASE("bench: growth has a sequence a thread, and leaves out long softmax attention aloud") {
  BenchShape shape;
  shape.threads = 2;
  shape.variants = {"gated-linear", "full-quadratic"};
  const std::vector<BenchGroup> all = suite_groups(Suite::kGrowth, shape);
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].cases.size() == 5);
    for (const BenchCase& one : all[i].cases) {
      CHECK(one.name == shape.variants[i / 2]);
      CHECK(one.execution.shortcuts == (i % 2 == 0));
      CHECK(one.cell.train.batch == 2);
      const bool left_out = i >= 2 && one.cell.task->length == 65536;
      CHECK(one.skipped.empty() == !left_out);
      if (left_out) CHECK(holds(one.skipped, "--variant full-quadratic --length 65536"));
    }
  }

  const BenchReport report =
      run_bench({{{all[2].cases.back()}, true}}, brief(), dense_twin, say_nothing);
  const json row = json::parse(bench_json(report, {Suite::kGrowth, brief(), 2})).at("rows").at(0);
  CHECK(row.at("status") == "skipped");
  CHECK(row.at("ms_per_step").is_null());
  CHECK(row.at("note") == all[2].cases.back().skipped);

  shape.lengths = {65536};
  shape.variants = {"full-quadratic"};
  for (const BenchGroup& group : suite_groups(Suite::kGrowth, shape)) {
    CHECK(group.cases.front().skipped.empty());
  }
}

TEST_CASE("bench: growth compares the time and the nominal work of a token with the shortest") {
  BenchShape shape = tiny_shape();
  shape.lengths = {64, 256};
  shape.variants = {"adaptive-decay"};
  const BenchReport report =
      run_bench(suite_groups(Suite::kGrowth, shape), brief(), dense_twin, say_nothing);
  REQUIRE(report.rows.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const BenchRow& row = report.rows[i];
    CHECK(row.what.execution.shortcuts == (i < 2));
    REQUIRE(row.relative);
    const BenchRow& shortest = report.rows[i / 2 * 2];
    CHECK(row.relative->token_time_ratio() ==
          doctest::Approx(shortest.tokens_per_second() / row.tokens_per_second()));
    if (i % 2 == 0) continue;
    CHECK(row.relative->tokens_ratio == 4.0);
    CHECK(row.relative->token_work_ratio() > 1.0);  // two levels more
    CHECK(row.relative->token_work_ratio() < 2.0);
  }
}

TEST_CASE("bench: shapes that cannot be are configuration errors") {
  const auto message = [](const BenchShape& shape) {
    try {
      (void)suite_groups(Suite::kSteps, shape);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  BenchShape shape = tiny_shape();
  CHECK(message(shape).empty());
  shape.pairs = 5;
  CHECK(holds(message(shape), "task.pairs = 5 needs 4*5"));
  shape = tiny_shape();
  shape.overrides = {"model.widht=8"};
  CHECK(holds(message(shape), "did you mean 'width'?"));
  shape.overrides = {"train.batch=8"};
  CHECK(holds(message(shape), "options of the model alone"));
}

TEST_CASE("bench: steps leave the weights alone, and cells at once do the work of each") {
  BenchShape shape = tiny_shape();
  shape.variants = {"adaptive-decay"};
  const Cell cell = bench_cells(shape).front();
  const SequenceModel<float> fresh = build_model(cell);
  for (const BenchMode mode : {BenchMode::kTrain, BenchMode::kScore, BenchMode::kStream}) {
    BenchCase what{"", cell, {}, 1, 2, mode, ""};
    Workload workload(what);
    CHECK(workload.run(3) > 0.0);
    const auto weights = workload.first().model().parameters();
    CHECK(std::equal(weights.begin(), weights.end(), fresh.parameters().begin()));
    CHECK(workload.first().workspace_bytes() > 0);
  }
  const BenchReport report = run_bench({{{BenchCase{"one", cell, {}, 1, 1, BenchMode::kTrain, ""},
                                          BenchCase{"two", cell, {}, 1, 2, BenchMode::kTrain, ""}},
                                         true}},
                                       brief(), dense_twin, say_nothing);
  REQUIRE(report.rows.size() == 2);
  CHECK(report.rows[1].nominal_gflop == doctest::Approx(2.0 * report.rows[0].nominal_gflop));
  REQUIRE(report.rows[1].relative.has_value());
  CHECK(report.rows[1].relative->work_ratio == doctest::Approx(2.0));
  CHECK(report.rows[1].relative->time_ratio ==
        doctest::Approx(report.rows[1].timing.ms / report.rows[0].timing.ms));
  CHECK(report.rates.size() == 2);  // on one and on two threads
}

// --- export ------------------------------------------------------------------------------------

TEST_CASE("bench: an exported batch holds the weights, the examples and what became of them") {
  const TemporaryFolder folder;
  BenchShape shape = tiny_shape();
  shape.variants = {"adaptive-decay"};
  const Cell cell = bench_cells(shape).front();
  export_batch(cell, folder / "batch.safetensors");
  const WeightsFile file = read_safetensors(folder / "batch.safetensors");
  CHECK(file.metadata.at("variant") == "adaptive-decay");
  CHECK(file.metadata.at("model.width") == "8");
  CHECK(file.metadata.at("task.length") == "16");
  const auto tensor = [&](const std::string& name) -> const NamedTensor& {
    const auto found =
        std::find_if(file.tensors.begin(), file.tensors.end(),
                     [&](const NamedTensor& candidate) { return candidate.name == name; });
    CAPTURE(name);
    REQUIRE(found != file.tensors.end());
    return *found;
  };
  using Shape = std::vector<std::int64_t>;
  const std::vector<Example> examples = ready_examples(cell, 3);
  REQUIRE(tensor("ids").shape == Shape{3, 16});
  REQUIRE(tensor("positions").shape == Shape{3, 2});
  REQUIRE(tensor("labels").shape == Shape{3, 2});
  for (std::size_t b = 0; b < 3; ++b) {
    for (std::size_t t = 0; t < 16; ++t) {
      CHECK(tensor("ids").data[16 * b + t] == static_cast<float>(examples[b].ids[t]));
    }
    for (std::size_t r = 0; r < 2; ++r) {
      CHECK(tensor("positions").data[2 * b + r] == static_cast<float>(examples[b].positions[r]));
      CHECK(tensor("labels").data[2 * b + r] == static_cast<float>(examples[b].labels[r]));
    }
  }
  const SequenceModel<float> model = build_model(cell);
  const Outputs twin = dense_twin(cell, model.parameters(), examples, BenchMode::kTrain);
  CHECK(tensor("loss").shape == Shape{1});
  CHECK(static_cast<double>(tensor("loss").data[0]) == doctest::Approx(twin.loss).epsilon(1e-6));
  double largest = 0.0;
  for (const double number : twin.numbers) largest = std::max(largest, std::abs(number));
  CHECK(file.tensors.size() == 2 * model.layout().all().size() + 4);
  for (const ParameterInfo& info : model.layout().all()) {
    const NamedTensor& weights = tensor(info.name);
    const NamedTensor& gradient = tensor("gradient." + info.name);
    CHECK(weights.shape == gradient.shape);
    CHECK(weights.shape.size() == (info.one_dimensional ? 1 : 2));
    REQUIRE(weights.data.size() == static_cast<std::size_t>(info.tensor.size()));
    for (std::size_t i = 0; i < weights.data.size(); ++i) {
      const std::size_t at = static_cast<std::size_t>(info.tensor.offset) + i;
      CHECK(weights.data[i] == model.parameters()[at]);
      CHECK(std::abs(static_cast<double>(gradient.data[i]) - twin.numbers[at]) < 1e-5 * largest);
    }
  }
}

}  // namespace
}  // namespace recollect
