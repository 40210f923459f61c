#include "harness/bench/cases.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/load.hpp"
#include "models/registry.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kDefaultBatch = 64;
constexpr const char* kQuadratic = "full-quadratic";

BenchCase case_of(const std::string& name, const Cell& cell, const BenchShape& shape) {
  return BenchCase{name, cell, {Form::kFastest, shape.shortcuts}, shape.threads, 1, shape.mode, ""};
}

/// The shape with what it leaves open filled in.
BenchShape filled(BenchShape shape, const std::vector<std::string>& variants,
                  const std::vector<std::int64_t>& lengths) {
  if (shape.variants.empty()) shape.variants = variants;
  if (shape.lengths.empty()) shape.lengths = lengths;
  return shape;
}

/// Every variant at every length, one by one.
std::vector<BenchGroup> steps(const BenchShape& shape) {
  std::vector<BenchGroup> groups;
  for (const Cell& cell : bench_cells(filled(shape, mixers().names(), {64, 128, 256, 1024}))) {
    groups.push_back({{case_of(cell.variant.name, cell, shape)}, false});
  }
  return groups;
}

/// A plain model against one that differs in one option, with and without exact shortcuts.
std::vector<BenchGroup> options(const BenchShape& wanted) {
  struct Change {
    const char* name;
    const char* override;  ///< null: another variant
  };
  static constexpr Change kChanges[] = {
      {"short_conv 4", "model.short_conv=4"}, {"mlp 2", "model.mlp=2"},
      {"rope", "model.position=rope"},        {"heads 2", "model.heads=2"},
      {"heads 4", "model.heads=4"},           {"width 32", "model.width=32"},
      {"width 128", "model.width=128"},       {"width 256", "model.width=256"},
      {"norm pre", "model.norm=pre"},         {kQuadratic, nullptr}};
  std::vector<BenchGroup> groups;
  BenchShape shape = filled(wanted, {"adaptive-decay"}, {256});
  for (const bool shortcuts : {true, false}) {
    shape.shortcuts = shortcuts;
    for (const Cell& plain : bench_cells(shape)) {
      for (const Change& change : kChanges) {
        BenchShape other = shape;
        other.variants = {plain.variant.name};
        other.lengths = {plain.task->length};
        if (change.override != nullptr) {
          other.overrides.push_back(change.override);
        } else if (plain.variant.name != kQuadratic) {
          // Beside the other: --set may hold options that this one has no use for.
          other.variants.push_back(kQuadratic);
        }
        groups.push_back({{case_of(kPlainCase, plain, shape),
                           case_of(change.name, bench_cells(other).back(), shape)},
                          true});
      }
    }
  }
  return groups;
}

/// Time and memory against length: a few sequences, one a thread. The lengths of a variant are
/// compared with its shortest, with and without the shortcuts.
std::vector<BenchGroup> growth(const BenchShape& wanted) {
  const bool asked = !wanted.lengths.empty();
  BenchShape shape = filled(wanted, mixers().names(), {256, 1024, 4096, 16384, 65536});
  if (!shape.batch) shape.batch = shape.threads;
  const std::vector<Cell> cells = bench_cells(shape);  // lengths outermost
  const std::size_t variants = cells.size() / shape.lengths.size();
  std::vector<BenchGroup> groups;
  for (std::size_t variant = 0; variant < variants; ++variant) {
    for (const bool shortcuts : {true, false}) {
      shape.shortcuts = shortcuts;
      BenchGroup group{{}, true};
      for (std::size_t i = variant; i < cells.size(); i += variants) {
        const Cell& cell = cells[i];
        BenchCase one = case_of(cell.variant.name, cell, shape);
        if (!asked && cell.variant.name == kQuadratic && cell.task->length > kLongestQuadratic) {
          one.skipped =
              fmt::format("left out beyond {} tokens; --variant {} --length {} measures it",
                          kLongestQuadratic, kQuadratic, cell.task->length);
        }
        group.cases.push_back(one);
      }
      groups.push_back(group);
    }
  }
  return groups;
}

/// Several cells at once, one thread each, and one cell on several threads.
std::vector<BenchGroup> scaling(const BenchShape& wanted) {
  const BenchShape shape = filled(wanted, {"adaptive-decay"}, {256});
  std::set<int> counts = {shape.threads};
  for (int count = 1; count < shape.threads; count *= 2) counts.insert(count);
  std::vector<BenchGroup> groups;
  for (const Cell& cell : bench_cells(shape)) {
    BenchGroup cells_at_once{{}, true};
    BenchGroup threads{{}, true};
    for (const int count : counts) {
      BenchCase many{fmt::format("{} at once", plural(count, "cell")),
                     cell,
                     {Form::kFastest, shape.shortcuts},
                     1,
                     count,
                     shape.mode,
                     ""};
      cells_at_once.cases.push_back(many);
      BenchCase one{plural(count, "thread"),
                    cell,
                    {Form::kFastest, shape.shortcuts},
                    count,
                    1,
                    shape.mode,
                    ""};
      threads.cases.push_back(one);
    }
    groups.push_back(cells_at_once);
    groups.push_back(threads);
  }
  return groups;
}

}  // namespace

std::vector<Cell> bench_cells(const BenchShape& shape) {
  for (const std::string& text : shape.overrides) {
    if (!text.starts_with("model.")) {
      throw ConfigError(
          fmt::format("--set {}: a benchmark takes options of the model alone; write e.g. --set "
                      "model.width=128",
                      text));
    }
  }
  const std::string text = fmt::format(
      "task: {{name: mqar, pairs: {}}}\n"
      "train: {{batch: {}, examples: online}}\n"
      "variants: [{}]\n"
      "grid: {{task.length: [{}]}}\n",
      shape.pairs, shape.batch.value_or(kDefaultBatch), fmt::join(shape.variants, ", "),
      fmt::join(shape.lengths, ", "));
  return parse_experiment(text, "bench", shape.overrides).cells;
}

std::vector<BenchGroup> suite_groups(Suite suite, const BenchShape& shape) {
  switch (suite) {
    case Suite::kSteps:
      return steps(shape);
    case Suite::kOptions:
      return options(shape);
    case Suite::kGrowth:
      return growth(shape);
    case Suite::kScaling:
      return scaling(shape);
  }
  return {};
}

}  // namespace recollect
