#include "harness/inspect/level_variance.hpp"

namespace recollect {

void LevelVariance::Moments::add(double value) {
  count += 1.0;
  const double before = value - mean;
  mean += before / count;
  squares += before * (value - mean);
}

void LevelVariance::Moments::join(const Moments& other) {
  if (other.count == 0.0) return;
  const double both = count + other.count;
  const double apart = other.mean - mean;
  squares += other.squares + apart * apart * count * other.count / both;
  mean += apart * other.count / both;
  count = both;
}

LevelVariance::LevelVariance(std::size_t tokens, std::size_t levels, std::size_t kinds)
    : levels_(levels), kinds_(kinds), at_(tokens * levels), of_kind_(levels * kinds) {}

void LevelVariance::add(std::span<const double> lambda, std::span<const std::int32_t> kind_of) {
  ++examples_;
  for (std::size_t t = 0; t < kind_of.size(); ++t) {
    for (std::size_t level = 0; level < levels_; ++level) {
      if (!holds_tokens(level, levels_, static_cast<std::int64_t>(t))) continue;
      const double value = lambda[t * levels_ + level];
      at_[t * levels_ + level].add(value);
      of_kind_[level * kinds_ + static_cast<std::size_t>(kind_of[t])].add(value);
    }
  }
}

auto LevelVariance::of_level(std::size_t level) const -> Moments {
  Moments moments;
  for (std::size_t i = level; i < at_.size(); i += levels_) moments.join(at_[i]);
  return moments;
}

VarianceShares LevelVariance::shares() const {
  Moments all;
  double within_levels = 0.0;
  double within_places = 0.0;
  double within_kinds = 0.0;
  for (std::size_t level = 0; level < levels_; ++level) {
    const Moments moments = of_level(level);
    within_levels += moments.squares;
    all.join(moments);
  }
  for (const Moments& place : at_) within_places += place.squares;
  for (const Moments& kind : of_kind_) within_kinds += kind.squares;
  if (!(all.squares > 0.0)) return {.examples = examples_};
  const auto share = [&](double squares) { return squares > 0.0 ? squares / all.squares : 0.0; };
  return {examples_,
          all.squares / all.count,
          share(all.squares - within_levels),
          share(within_levels - within_places),
          share(within_places),
          share(within_levels - within_kinds)};
}

std::optional<double> LevelVariance::mean(std::size_t level) const {
  const Moments moments = of_level(level);
  return moments.count > 0.0 ? std::optional(moments.mean) : std::nullopt;
}

std::optional<double> LevelVariance::mean(std::size_t level, std::size_t kind) const {
  const Moments& moments = of_kind_[level * kinds_ + kind];
  return moments.count > 0.0 ? std::optional(moments.mean) : std::nullopt;
}

}  // namespace recollect
