// How often `recollect compare` is wrong, and what it finds: seeds of the reference results drawn
// anew, compared by the very code of the program. Prints the table of docs/protocol.md.
//   make error-rates          writes the table into docs/protocol.md
//   recollect_error_rates N   N comparisons a cell of the table, 2,000 unless given
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "harness/compare/compare.hpp"
#include "harness/results/result_set.hpp"
#include "math/rng.hpp"

namespace recollect {
namespace {

/// The judging score of each seed of a variant.
using Pool = std::map<std::string, std::vector<CellResult>>;

Pool pool_of(const std::string& archive, const std::string& pairs,
             const std::vector<std::string>& labels) {
  Pool pool;
  for (const CellResult& cell : read_result_set("results/reference/" + archive).cells) {
    const bool judges = cell.score && cell.score->key.weights == Weights::kBest &&
                        cell.score->key.split == Split::kTest &&
                        cell.score->key.eval_length == cell.train_length;
    const bool wanted =
        labels.empty() || std::find(labels.begin(), labels.end(), cell.label) != labels.end();
    if (!judges || !wanted) continue;
    if (!pairs.empty() && setting_of(cell.settings, "task_pairs").text != pairs) continue;
    pool[cell.label].push_back(cell);
  }
  return pool;
}

/// One set of `seeds` seeds for each variant, each a drawn one of the pool.
ResultSet drawn(const Pool& pool, std::int64_t seeds, Rng& rng) {
  ResultSet set;
  set.name = "drawn";
  for (const auto& [label, cells] : pool) {
    for (std::int64_t seed = 0; seed < seeds; ++seed) {
      CellResult cell = cells[rng.below(static_cast<std::uint32_t>(cells.size()))];
      cell.seed = seed;
      cell.data_seed = seed;
      for (Setting& setting : cell.settings) {
        if (setting.name == "train_order_seed") setting.value.text = std::to_string(seed);
      }
      set.cells.push_back(std::move(cell));
    }
  }
  // Ceilings and chance are of the data, which the comparison holds to be the same.
  for (CellResult& cell : set.cells) cell.score->ceilings.clear();
  set.exact.resize(set.cells.size());
  return set;
}

/// What is changed on the side of NEW.
struct Change {
  const char* what;
  bool fresh;           ///< other seeds than BASE has; else all else is equal
  std::int64_t fallen;  ///< so many seeds of the first variant fall to chance
  double loss;          ///< of every seed of the first variant
};

void apply(const Change& change, ResultSet& set) {
  const std::string first = set.cells.front().label;
  std::int64_t fallen = 0;
  for (CellResult& cell : set.cells) {
    if (cell.label != first) continue;
    const bool learned = cell.score->accuracy > 0.5;  // the others cannot fall any more
    if (learned && fallen < change.fallen) {
      ++fallen;
      cell.score->accuracy = 0.03;
      cell.score->exact_match = 0.0;
      cell.status.solved_step.reset();
    }
    cell.score->accuracy -= change.loss;
  }
}

struct Rates {
  double worse = 0, undecided = 0, same = 0, failing = 0;
};

Rates rates_of(const Pool& pool, std::int64_t seeds, const Change& change, std::int64_t count,
               std::uint64_t stream) {
  Rates rates;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    Rng rng(stream, Stream::kTest, static_cast<std::uint64_t>(i));
    const ResultSet base = drawn(pool, seeds, rng);
    ResultSet now = change.fresh ? drawn(pool, seeds, rng) : base;
    apply(change, now);
    const CompareRules rules;
    const ResultComparison comparison = compare(base, now, rules);
    const auto has = [&](Verdict verdict) {
      return std::any_of(comparison.groups.begin(), comparison.groups.end(),
                         [&](const ComparedGroup& group) { return group.verdict == verdict; });
    };
    const bool all_same =
        std::all_of(comparison.groups.begin(), comparison.groups.end(), [](const auto& group) {
          return group.verdict == Verdict::kSame || group.verdict == Verdict::kEqual;
        });
    if (!comparison.mismatches.empty()) std::abort();
#pragma omp critical
    {
      rates.worse += has(Verdict::kWorse) ? 1 : 0;
      rates.undecided += has(Verdict::kUndecided) ? 1 : 0;
      rates.same += all_same ? 1 : 0;
      rates.failing += comparison.worse() || comparison.undecided(rules) ? 1 : 0;
    }
  }
  for (double* rate : {&rates.worse, &rates.undecided, &rates.same, &rates.failing}) {
    *rate *= 100.0 / static_cast<double>(count);
  }
  return rates;
}

void print_rows(const char* name, const Pool& pool, const Change& change,
                const std::vector<std::int64_t>& all_seeds, std::int64_t count) {
  for (const std::int64_t seeds : all_seeds) {
    const Rates rates = rates_of(pool, seeds, change, count, static_cast<std::uint64_t>(seeds));
    fmt::print("| {} | {} | {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} |\n", change.what, name, seeds,
               rates.worse, rates.undecided, rates.same, rates.failing);
  }
}

void print_table(std::int64_t count) {
  fmt::print(
      "{} comparisons a line; per cent of them in which some group is worse or undecided, in which "
      "all are the same, and which end with a status other than 0.\n\n"
      "| what differs | variants of | seeds | worse | undecided | all same | status not 0 |\n"
      "|---|---|---:|---:|---:|---:|---:|\n",
      count);
  const Pool hard = pool_of("mqar-128-32", "", {});
  const Pool headline = pool_of("mqar-headline", "", {});
  const Pool easy = pool_of("mqar-64", "8", {});
  const Pool solved =
      pool_of("mqar-64", "8", {"fixed-decay", "linear-decay", "adaptive-decay", "softmax-level"});
  const Change nothing{"the seeds alone", true, 0, 0.0};
  for (const auto& [name, pool] :
       {std::pair("mqar-128-32", &hard), std::pair("mqar-headline", &headline),
        std::pair("mqar-64, 8 pairs", &easy)}) {
    print_rows(name, *pool, nothing, {1, 2, 3, 4, 5, 6, 8, 10, 15, 20}, count);
  }
  const char* const four = "mqar-64, 8 pairs, log-linear";
  print_rows(four, solved, nothing, {3, 5, 10, 20}, count);
  for (const auto& [fallen, what] : {std::pair(1, "1 seed of one variant falls to chance"),
                                     std::pair(2, "2 seeds of one variant fall to chance"),
                                     std::pair(5, "5 seeds of one variant fall to chance")}) {
    print_rows("mqar-128-32", hard, {what, false, fallen, 0.0}, {10}, count);
  }
  print_rows(four, solved, {"2 points less in every seed of one variant", false, 0, 0.02},
             {3, 5, 10, 20}, count);
  print_rows(four, solved, {"the same, and all seeds", true, 0, 0.02}, {3, 5, 10, 20}, count);
}

}  // namespace
}  // namespace recollect

int main(int argc, char** argv) {
  recollect::print_table(argc > 1 ? std::atoll(argv[1]) : 2000);
  return 0;
}
