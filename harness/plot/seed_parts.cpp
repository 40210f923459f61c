#include "harness/plot/seed_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace recollect::plot {
namespace {

constexpr double kFarApart = 0.2;  // of two accuracies

/// Between two clusters of seeds; or between the two middle seeds, where these are so far apart
/// that their mean, which is the median, would stand where no seed is.
std::optional<double> split_of(const GroupResult& group, const std::set<std::int64_t>& seeds) {
  if (group.clusters) return group.clusters->threshold;
  const std::vector<double> values = accuracies_of(group, seeds);
  if (values.empty() || values.size() % 2 == 1) return std::nullopt;
  const double below = values[values.size() / 2 - 1];
  const double above = values[values.size() / 2];
  if (above - below < kFarApart) return std::nullopt;
  return (below + above) / 2.0;
}

}  // namespace

std::vector<std::set<std::int64_t>> seed_parts(const GroupResult& trained) {
  const std::set<std::int64_t> all(trained.seeds.begin(), trained.seeds.end());
  if (all.size() < kFewSeeds) return {};
  const std::optional<double> split = split_of(trained, all);
  if (!split) return {all};
  std::set<std::int64_t> upper, lower;
  for (const std::int64_t seed : all) {
    (accuracy_of(trained, seed) > *split ? upper : lower).insert(seed);
  }
  return {upper, lower};
}

std::string solved_in_words(const GroupResult& group) {
  return training_is_known(group)
             ? fmt::format("{} of {} seeds solved", group.solved(), group.runs())
             : "another program's model";
}

double accuracy_of(const GroupResult& group, std::int64_t seed) {
  for (std::size_t i = 0; i < group.seeds.size(); ++i) {
    if (group.seeds[i] == seed) return group.accuracy.values[i];
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> accuracies_of(const GroupResult& group, const std::set<std::int64_t>& seeds) {
  std::vector<double> values;
  for (const std::int64_t seed : seeds) {
    const double value = accuracy_of(group, seed);
    if (std::isfinite(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace recollect::plot
