#include "harness/stats/survival.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "math/rng.hpp"

namespace recollect {
namespace {

std::set<double> event_times(std::span<const Waiting> runs) {
  std::set<double> times;
  for (const Waiting& run : runs) {
    if (!run.censored) times.insert(run.time);
  }
  return times;
}

/// How many still wait just before `time`; a run censored then is one of them.
double waiting_at(std::span<const Waiting> runs, double time) {
  return static_cast<double>(std::count_if(runs.begin(), runs.end(),
                                           [&](const Waiting& run) { return run.time >= time; }));
}

double events_at(std::span<const Waiting> runs, double time) {
  return static_cast<double>(std::count_if(runs.begin(), runs.end(), [&](const Waiting& run) {
    return run.time == time && !run.censored;
  }));
}

}  // namespace

double restricted_mean(std::span<const Waiting> runs, double limit) {
  double area = 0.0;
  double share = 1.0;  // that still waits
  double from = 0.0;
  for (const double time : event_times(runs)) {
    if (time >= limit) break;
    area += share * (time - from);
    share *= 1.0 - events_at(runs, time) / waiting_at(runs, time);
    from = time;
  }
  return area + share * (limit - from);
}

std::vector<EventShare> event_shares(std::span<const Waiting> runs) {
  double first_censored = std::numeric_limits<double>::infinity();
  for (const Waiting& run : runs) {
    if (run.censored) first_censored = std::min(first_censored, run.time);
  }
  const auto all = static_cast<std::int64_t>(runs.size());
  const double reach = -boost::math::quantile(boost::math::normal(), kTail95);
  std::vector<EventShare> shares;
  double waiting = 1.0;
  double greenwood = 0.0;
  std::int64_t events = 0;
  for (const double time : event_times(runs)) {
    const double at_risk = waiting_at(runs, time);
    const double now = events_at(runs, time);
    waiting *= 1.0 - now / at_risk;
    events += static_cast<std::int64_t>(now);
    EventShare share{time, 1.0 - waiting, {}, static_cast<std::int64_t>(at_risk - now)};
    if (time <= first_censored || now == at_risk) {
      share.interval = wilson_interval(events, time <= first_censored ? all : events);
    }
    if (now < at_risk) greenwood += now / (at_risk * (at_risk - now));
    if (time > first_censored && now < at_risk) {
      const double half = reach * std::sqrt(greenwood) / std::log(waiting);  // negative
      share.interval = {1.0 - std::pow(waiting, std::exp(half)),
                        1.0 - std::pow(waiting, std::exp(-half))};
    }
    shares.push_back(share);
  }
  return shares;
}

std::vector<std::int64_t> resampled(std::size_t count, std::uint64_t draw) {
  Rng rng(2, Stream::kBootstrap, draw);  // those of means have seed 0
  std::vector<std::int64_t> times(count);
  for (std::size_t i = 0; i < count; ++i) ++times[rng.below(static_cast<std::uint32_t>(count))];
  return times;
}

double log_rank_test(std::span<const Waiting> a, std::span<const Waiting> b) {
  std::set<double> times = event_times(a);
  times.merge(event_times(b));
  double excess = 0.0;
  double variance = 0.0;
  for (const double time : times) {
    const double in_a = waiting_at(a, time);
    const double all = in_a + waiting_at(b, time);
    const double events = events_at(a, time) + events_at(b, time);
    excess += events_at(a, time) - events * in_a / all;
    if (all > 1.0) {
      variance += events * (in_a / all) * (1.0 - in_a / all) * (all - events) / (all - 1.0);
    }
  }
  if (variance == 0.0) return 1.0;
  const boost::math::normal normal;
  return 2.0 *
         boost::math::cdf(boost::math::complement(normal, std::abs(excess) / std::sqrt(variance)));
}

}  // namespace recollect
