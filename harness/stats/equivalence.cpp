#include "harness/stats/equivalence.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <memory>
#include <numeric>

namespace recollect {
namespace {

constexpr double kPower = 0.8;

bool is_below(const Interval& interval, double margin) { return interval.high < -margin; }
bool is_above(const Interval& interval, double margin) { return interval.low > margin; }
bool is_within(const Interval& interval, double margin) {
  return interval.low >= -margin && interval.high <= margin;
}

Chances certain(const IntervalAt& interval, const MarginRule& rule) {
  const Interval corrected = interval(rule.level / 2.0);
  Chances chances;
  chances.below = is_below(corrected, rule.margin) ? 1.0 : 0.0;
  chances.above = is_above(corrected, rule.margin) ? 1.0 : 0.0;
  chances.equivalent = is_within(interval(kTail95), rule.margin) ? 1.0 : 0.0;
  return chances;
}

/// `outcomes` by the number of seeds with a property that each has with probability `truth`.
ChancesAt over_counts(std::vector<Chances> outcomes) {
  return [outcomes = std::move(outcomes)](double truth) {
    const boost::math::binomial counts(static_cast<double>(outcomes.size() - 1), truth);
    Chances sum;
    for (std::size_t count = 0; count < outcomes.size(); ++count) {
      const double weight = boost::math::pdf(counts, static_cast<double>(count));
      sum.below += weight * outcomes[count].below;
      sum.above += weight * outcomes[count].above;
      sum.equivalent += weight * outcomes[count].equivalent;
    }
    return sum;
  };
}

/// How far the intervals of a difference reach to either side, for one sample deviation of ours.
struct Reach {
  double at_95 = 0.0;
  double corrected = 0.0;
};

Reach reach_of(const std::optional<double>& sd, const Moments& ours, const Moments& theirs,
               const MarginRule& rule) {
  const Moments drawn{theirs.mean, sd, ours.n};
  return {mean_difference_interval(drawn, theirs)->width() / 2.0,
          mean_difference_interval(drawn, theirs, rule.level / 2.0)->width() / 2.0};
}

}  // namespace

Finding finding_of(const IntervalAt& interval, const MarginRule& rule) {
  const Chances chances = certain(interval, rule);
  if (chances.below + chances.above > 0.0) return Finding::kDiffers;
  return chances.equivalent > 0.0 ? Finding::kEquivalent : Finding::kInconclusive;
}

double p_beyond(const IntervalAt& interval, double margin) {
  constexpr double kLeast = -15.0;  // of the exponent: quantiles of less are rounding
  const auto is_beyond = [&](double exponent) {
    const Interval some = interval(std::pow(10.0, exponent));
    return is_below(some, margin) || is_above(some, margin);
  };
  double no = kLeast;
  double yes = std::log10(0.5);
  if (!is_beyond(yes)) return 1.0;
  if (is_beyond(no)) return 2.0 * std::pow(10.0, kLeast);
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (no + yes) / 2.0;
    (is_beyond(middle) ? yes : no) = middle;
  }
  return 2.0 * std::pow(10.0, yes);
}

std::vector<double> holm_levels(const std::vector<double>& p, double alpha) {
  std::vector<double> levels;
  for (std::size_t own = 0; own < p.size(); ++own) {
    std::vector<double> others = p;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(own));
    std::sort(others.begin(), others.end());
    // Every other one that is rejected without this one leaves fewer to correct for.
    std::size_t left = p.size();
    for (const double other : others) {
      if (static_cast<double>(left) * other >= alpha) break;
      --left;
    }
    levels.push_back(alpha / static_cast<double>(left));
  }
  return levels;
}

ChancesAt share_chances(std::int64_t ours, std::int64_t solved, std::int64_t theirs,
                        const MarginRule& rule) {
  std::vector<Chances> outcomes;
  for (std::int64_t count = 0; count <= ours; ++count) {
    const auto interval = [&](double tail) {
      return share_difference_interval(count, ours, solved, theirs, tail);
    };
    outcomes.push_back(certain(interval, rule));
  }
  return over_counts(std::move(outcomes));
}

ChancesAt two_group_chances(std::span<const double> ours, const TwoClusters& groups,
                            const Moments& theirs, const MarginRule& rule) {
  const auto n = static_cast<double>(ours.size());
  double within = 0.0;  // sum of squares around the groups' means
  for (const double value : ours) {
    const double centre = value > groups.threshold ? groups.upper_mean : groups.lower_mean;
    within += (value - centre) * (value - centre);
  }
  const double gap = groups.upper_mean - groups.lower_mean;
  std::vector<Chances> outcomes;
  for (std::size_t count = 0; count <= ours.size(); ++count) {
    const auto upper = static_cast<double>(count);
    Moments drawn;
    drawn.n = static_cast<std::int64_t>(ours.size());
    drawn.mean = groups.lower_mean + gap * upper / n;
    // Squares around the common mean: those within and those between the groups.
    drawn.sd = std::sqrt((within + gap * gap * upper * (n - upper) / n) / (n - 1.0));
    const auto interval = [&](double tail) {
      return *mean_difference_interval(drawn, theirs, tail);
    };
    outcomes.push_back(certain(interval, rule));
  }
  return over_counts(std::move(outcomes));
}

ChancesAt normal_chances(const Moments& ours, const Moments& theirs, const MarginRule& rule) {
  constexpr int kNodes = 256;
  const double sd = ours.sd ? *ours.sd : theirs.sd.value_or(0.0);
  auto reaches = std::make_shared<std::vector<Reach>>();
  if (!ours.sd || sd == 0.0) {
    reaches->push_back(reach_of(ours.sd, ours, theirs, rule));
  } else {
    const double degrees = static_cast<double>(ours.n) - 1.0;
    const boost::math::chi_squared squares(degrees);
    for (int node = 0; node < kNodes; ++node) {  // equally likely deviations
      const double square = boost::math::quantile(squares, (node + 0.5) / kNodes);
      reaches->push_back(reach_of(sd * std::sqrt(square / degrees), ours, theirs, rule));
    }
  }
  const double error = sd / std::sqrt(static_cast<double>(ours.n));
  return [=](double truth) {
    const double centre = truth - theirs.mean;
    const auto less_than = [&](double difference) {
      if (error == 0.0) return centre < difference ? 1.0 : 0.0;
      return boost::math::cdf(boost::math::normal(centre, error), difference);
    };
    Chances sum;
    for (const Reach& reach : *reaches) {
      sum.below += less_than(-rule.margin - reach.corrected);
      sum.above += 1.0 - less_than(rule.margin + reach.corrected);
      const double room = rule.margin - reach.at_95;
      if (room >= 0.0) sum.equivalent += less_than(room) - less_than(-room);
    }
    const auto nodes = static_cast<double>(reaches->size());
    return Chances{sum.below / nodes, sum.above / nodes, sum.equivalent / nodes};
  };
}

Detectable detectable_truths(const ChancesAt& chances) {
  constexpr int kSteps = 200;
  Detectable found;
  const auto below = [&](double truth) { return chances(truth).below >= kPower; };
  const auto above = [&](double truth) { return chances(truth).above >= kPower; };
  // The chances change steadily between two truths of the grid, so their crossing is bisected.
  const auto crossing = [](double yes, double no, auto&& holds) {
    for (int halving = 0; halving < 20; ++halving) {
      const double middle = (yes + no) / 2.0;
      (holds(middle) ? yes : no) = middle;
    }
    return yes;
  };
  for (int step = 0; step <= kSteps; ++step) {
    const double truth = static_cast<double>(step) / kSteps;
    const Chances here = chances(truth);
    found.most_differs = std::max(found.most_differs, here.below + here.above);
    found.most_equivalent = std::max(found.most_equivalent, here.equivalent);
    if (here.below >= kPower) found.below = truth;
    if (here.above >= kPower && !found.above) found.above = truth;
  }
  constexpr double kStep = 1.0 / kSteps;
  if (found.below) found.below = crossing(*found.below, std::min(1.0, *found.below + kStep), below);
  if (found.above) found.above = crossing(*found.above, std::max(0.0, *found.above - kStep), above);
  return found;
}

}  // namespace recollect
