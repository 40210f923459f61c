#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "tasks/task.hpp"

// What the tests of several tasks need: examples, another definition of levels, chi-square tests.
namespace recollect::testing {

/// Examples 0..count-1 of a split.
inline std::vector<Example> drawn(const TaskSettings& settings, std::uint64_t count,
                                  Split split = Split::kTrain, std::uint64_t seed = 3) {
  const auto task = settings.make();
  std::vector<Example> examples(count);
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < count; ++i) task->example({seed, split, i}, examples[i], scratch);
  return examples;
}

/// The block of the prefix of t that holds s, counted by halving both until they meet.
inline std::int32_t level_by_halving(std::int64_t t, std::int64_t s) {
  std::int32_t level = 0;
  for (; t != s; t /= 2, s /= 2) ++level;
  return level;
}

/// What each rule answers at each scored position: answers[r][rule].
inline std::vector<std::vector<std::int32_t>> answers_of(const TaskSettings& settings,
                                                         const Task& task, const Example& example) {
  const std::size_t rules = settings.rules().size();
  std::vector<std::int32_t> flat(rules * example.positions.size(), 99);
  task.find_answers(example, flat);
  std::vector<std::vector<std::int32_t>> answers;
  for (auto row = flat.begin(); row != flat.end(); row += static_cast<std::ptrdiff_t>(rules)) {
    answers.emplace_back(row, row + static_cast<std::ptrdiff_t>(rules));
  }
  return answers;
}

/// The marks of an example's kinds, one a token.
inline std::string marks_of(const TaskSettings& settings, const Task& task,
                            const Example& example) {
  std::vector<std::int32_t> kinds(example.ids.size(), 99);
  task.find_kinds(example, kinds);
  std::string marks;
  for (const std::int32_t kind : kinds) {
    marks += settings.kinds()[static_cast<std::size_t>(kind)].mark;
  }
  return marks;
}

/// The hash of the first 100 examples of a split, with all that belongs to them.
inline std::string hash_of(const TaskSettings& settings, Split split) {
  std::vector<std::int32_t> words;
  for (const Example& example : drawn(settings, 100, split, 5)) {
    for (const auto* part : {&example.ids, &example.positions, &example.labels, &example.tags}) {
      words.insert(words.end(), part->begin(), part->end());
    }
  }
  return hex(hash_bytes(std::as_bytes(std::span(words))));
}

/// The value that chi-square exceeds once in 50,000 (Wilson and Hilferty, 1931).
inline double chi_square_bound(double degrees) {
  const double part = 2.0 / (9.0 * degrees);
  return degrees * std::pow(1.0 - part + 4.107 * std::sqrt(part), 3.0);
}

inline std::string beyond(double chi_square, double degrees) {
  const double bound = chi_square_bound(degrees);
  if (chi_square <= bound) return "";
  return fmt::format("chi-square {:.1f} of {} degrees of freedom is beyond {:.1f}", chi_square,
                     degrees, bound);
}

/// "" where counts fit the weights that cells should have, of any sum. Fewer than five expected in
/// a cell are a fault of the test.
inline std::string misfit(const std::vector<double>& counts, const std::vector<double>& weights) {
  double all = 0.0;
  double sum = 0.0;
  for (const double count : counts) all += count;
  for (const double weight : weights) sum += weight;
  if (counts.size() != weights.size()) return "another number of cells";
  double chi_square = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = all * weights[i] / sum;
    if (expected < 5.0) return fmt::format("cell {} expects {:.1f} counts alone", i, expected);
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return beyond(chi_square, static_cast<double>(counts.size()) - 1.0);
}

/// The same for cells that are equally likely.
inline std::string misfit(const std::vector<double>& counts) {
  return misfit(counts, std::vector<double>(counts.size(), 1.0));
}

/// "" where two samples of as many counts may come from one law; cells of fewer than ten are one.
inline std::string difference(const std::vector<double>& one, const std::vector<double>& other) {
  double chi_square = 0.0;
  double degrees = -1.0;
  double rare_one = 0.0;
  double rare_other = 0.0;
  const auto add = [&](double a, double b) {
    chi_square += (a - b) * (a - b) / (a + b);
    degrees += 1.0;
  };
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] + other[i] >= 10.0) {
      add(one[i], other[i]);
    } else {
      rare_one += one[i];
      rare_other += other[i];
    }
  }
  if (rare_one + rare_other > 0.0) add(rare_one, rare_other);
  if (degrees < 1.0) return "too few cells";
  return beyond(chi_square, degrees);
}

}  // namespace recollect::testing
