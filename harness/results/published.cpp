#include "harness/results/published.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <set>

#include "harness/results/published_settings.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

constexpr double kAlpha = 2.0 * kTail95;
constexpr double kHardlyEver = 0.005;  // a chance that would be shown as 0 %

using Row = PublishedComparison;

std::string points(const Interval& interval) {
  return fmt::format("{:+.1f}..{:+.1f} points", 100.0 * interval.low, 100.0 * interval.high);
}

Moments our_moments(const Row& row) {
  const Summary& ours = *row.ours.accuracy.summary;
  return {ours.mean, ours.sd, row.ours.n()};
}

Moments published_moments(const Row& row) {
  return {row.figure.mean, row.figure.sample_sd(), row.figure.seeds};
}

/// Whether the two clusters of our seeds are those that solved the task and those that did not.
bool solving_splits(const GroupResult& ours) {
  return ours.clusters && 2 * ours.solved() > static_cast<std::int64_t>(ours.clusters->upper);
}

/// Whether `truth` of a row's operating characteristic is a share of seeds, and not a mean.
bool truth_is_share(const Row& row) {
  return row.decided_by == DecidedBy::kShares || row.ours.clusters.has_value();
}

/// @param row  one that is decided by something
IntervalAt interval_of(const Row& row) {
  if (row.decided_by == DecidedBy::kShares) {
    return [&row](double tail) {
      return share_difference_interval(row.ours.solved(), row.ours.runs(), *row.figure.solved,
                                       row.figure.seeds, tail);
    };
  }
  return [&row](double tail) {
    return *mean_difference_interval(our_moments(row), published_moments(row), tail);
  };
}

ChancesAt chances_of(const Row& row, const MarginRule& rule) {
  if (row.decided_by == DecidedBy::kShares) {
    return share_chances(row.ours.runs(), *row.figure.solved, row.figure.seeds, rule);
  }
  if (row.ours.clusters) {
    return two_group_chances(row.ours.accuracy.values, *row.ours.clusters, published_moments(row),
                             rule);
  }
  return normal_chances(our_moments(row), published_moments(row), rule);
}

/// "31 %" of a share, "31.4 %" of a mean accuracy.
std::string truth_text(const Row& row, double truth) {
  return truth_is_share(row) ? fmt::format("{:.0f} %", 100.0 * truth)
                             : fmt::format("{:.1f} %", 100.0 * truth);
}

/// "below 31 % or above 98 %".
std::string bounds_text(const Row& row) {
  std::vector<std::string> bounds;
  const Detectable& seen = row.detectable;
  if (seen.below) bounds.push_back(fmt::format("below {}", truth_text(row, *seen.below)));
  if (seen.above) bounds.push_back(fmt::format("above {}", truth_text(row, *seen.above)));
  return fmt::format("{}", fmt::join(bounds, " or "));
}

/// The row's operating characteristic, in words.
void describe_detectable(Row& row) {
  const Detectable& seen = row.detectable;
  const bool shares = row.decided_by == DecidedBy::kShares;
  const std::int64_t n = shares ? row.ours.runs() : row.ours.n();
  const std::string seeds =
      fmt::format("{} {}{}", n, n == 1 ? "seed" : "seeds", shares ? "" : " with this spread");
  const char* truth = shares              ? "our true share of solved seeds"
                      : row.ours.clusters ? "our true share of seeds in the upper group"
                                          : "our true mean";
  const char* in_short = shares ? "solved" : row.ours.clusters ? "upper group" : "mean";
  if (seen.below || seen.above) {
    row.could_have_seen = fmt::format("{} would have differed in 80 % of cases only if {} were {}",
                                      seeds, truth, bounds_text(row));
    row.would_differ_if = fmt::format("{} {}", in_short, bounds_text(row));
  } else if (seen.most_differs < kHardlyEver) {
    row.could_have_seen = fmt::format("{} could not have differed whatever the truth", seeds);
    row.would_differ_if = "never";
  } else {
    row.could_have_seen = fmt::format(
        "{} would have differed in at most {:.0f} % of cases, whatever "
        "the truth",
        seeds, 100.0 * seen.most_differs);
    row.would_differ_if = fmt::format("at most {:.0f} %", 100.0 * seen.most_differs);
  }
  row.could_have_seen +=
      seen.most_equivalent < kHardlyEver
          ? ", and could not have been equivalent"
          : fmt::format(", and could have been equivalent in up to {:.0f} % of cases",
                        100.0 * seen.most_equivalent);
}

/// What decides the row; nothing, with the reason, where it cannot be compared.
void choose_measure(Row& row, const SettingsBeside& settings) {
  const auto not_comparable = [&](std::string why) { row.why = std::move(why); };
  if (!settings.different.empty()) {
    return not_comparable(fmt::format("{}", fmt::join(settings.different, ", ")));
  }
  if (row.ours.n() == 0) return not_comparable("no seed of ours has a score");
  if (row.shares && (!settings.shares_only.empty() || solving_splits(row.ours))) {
    row.decided_by = DecidedBy::kShares;
    row.margin = kShareMargin;
  } else if (row.means) {
    row.decided_by = DecidedBy::kMeans;
    row.margin = kMeanMargin;
  } else {
    return not_comparable("one seed on each side, and no spread on either");
  }
  row.p = p_beyond(interval_of(row), row.margin);
}

/// Why the other difference of the row does not count, or the one that decides counts for less.
std::string reservation(const Row& row, const SettingsBeside& settings) {
  if (!settings.shares_only.empty()) {
    return "means do not count, as " + settings.shares_only;
  }
  if (row.decided_by == DecidedBy::kShares) {
    return "means do not count, as our seeds fall into two groups";
  }
  if (!row.ours.clusters) return {};
  return row.shares ? "our seeds fall into two groups, but not by whether they solved the task, so "
                      "the means are compared"
                    : "our seeds fall into two groups, which Welch's interval ignores";
}

/// @param level  that of `differs`, after Holm
void judge(Row& row, const SettingsBeside& settings, double level) {
  const IntervalAt interval = interval_of(row);
  const MarginRule rule{row.margin, level};
  const Finding alone = finding_of(interval, {row.margin, kAlpha});
  const Finding finding = row.corrected_p < kAlpha        ? Finding::kDiffers
                          : alone == Finding::kEquivalent ? Finding::kEquivalent
                                                          : Finding::kInconclusive;
  row.verdict = verdict_of(finding);
  row.detectable = detectable_truths(chances_of(row, rule));
  describe_detectable(row);
  const Interval at_95 = interval(kTail95);
  const bool shares = row.decided_by == DecidedBy::kShares;
  std::vector<std::string> reasons = {fmt::format("{} differ by {}, margin {:.0f}",
                                                  shares ? "shares solved" : "means", points(at_95),
                                                  100.0 * row.margin)};
  if (alone == Finding::kDiffers && finding != Finding::kDiffers) {
    reasons.push_back(
        fmt::format("beyond the margin alone, but not among {} figures (p {:.2f} after "
                    "Holm)",
                    row.compared, row.corrected_p));
  } else if (finding == Finding::kInconclusive && !at_95.contains(0.0)) {
    reasons.push_back("not 0 in all likelihood, but perhaps within the margin");
  }
  for (std::string reason : {reservation(row, settings), row.could_have_seen}) {
    if (!reason.empty()) reasons.push_back(std::move(reason));
  }
  reasons.insert(reasons.end(), settings.without_effect.begin(), settings.without_effect.end());
  row.why = fmt::format("{}", fmt::join(reasons, "; "));
}

Row row_of(const GroupResult& group, const PublishedFigure& figure) {
  Row row;
  row.ours = group;
  row.figure = figure;
  row.task_settings = task_text(group, figure);
  if (group.accuracy.summary) {
    row.difference = group.accuracy.summary->mean - figure.mean;
    row.means = mean_difference_interval(our_moments(row), published_moments(row));
  }
  if (figure.solved && group.runs() > 0) {
    row.shares =
        share_difference_interval(group.solved(), group.runs(), *figure.solved, figure.seeds);
  }
  if (figure.solve_step_median && group.solve_step_median_solved) {
    row.solve_step_ratio = *group.solve_step_median_solved / *figure.solve_step_median;
  }
  return row;
}

/// Judges the rows of one experiment that can be compared, each as one of several.
void judge_all(std::vector<Row>& rows, const std::vector<SettingsBeside>& settings,
               const std::vector<std::size_t>& of_experiment) {
  std::vector<std::size_t> compared;
  std::vector<double> p;
  for (const std::size_t i : of_experiment) {
    if (rows[i].decided_by == DecidedBy::kNothing) continue;
    compared.push_back(i);
    p.push_back(rows[i].p);
  }
  const std::vector<double> corrected = holm(p);
  const std::vector<double> levels = holm_levels(p, kAlpha);
  for (std::size_t k = 0; k < compared.size(); ++k) {
    Row& row = rows[compared[k]];
    row.compared = static_cast<std::int64_t>(compared.size());
    row.corrected_p = corrected[k];
    judge(row, settings[compared[k]], levels[k]);
  }
}

}  // namespace

std::string name_of(PublishedVerdict verdict) {
  switch (verdict) {
    case PublishedVerdict::kNotComparable:
      return "not comparable";
    case PublishedVerdict::kInconclusive:
      return "inconclusive";
    case PublishedVerdict::kEquivalent:
      return "equivalent";
    case PublishedVerdict::kDiffers:
      return "differs";
  }
  return {};
}

PublishedVerdict verdict_of(Finding finding) {
  switch (finding) {
    case Finding::kInconclusive:
      return PublishedVerdict::kInconclusive;
    case Finding::kEquivalent:
      return PublishedVerdict::kEquivalent;
    case Finding::kDiffers:
      return PublishedVerdict::kDiffers;
  }
  return {};
}

std::string name_of(DecidedBy measure) {
  switch (measure) {
    case DecidedBy::kNothing:
      return "";
    case DecidedBy::kMeans:
      return "means";
    case DecidedBy::kShares:
      return "shares";
  }
  return {};
}

std::vector<PublishedComparison> compare_published(const std::vector<GroupResult>& groups,
                                                   const std::vector<PublishedFigure>& figures) {
  const std::vector<std::string> names = setting_names(groups);
  const std::set<std::string> known(names.begin(), names.end());
  std::vector<Row> rows;
  std::vector<SettingsBeside> settings;
  std::map<std::string, std::vector<std::size_t>> experiments;
  for (const GroupResult& group : groups) {
    for (const PublishedFigure& figure : figures) {
      if (!corresponds(group, figure)) continue;
      experiments[group.experiment].push_back(rows.size());
      rows.push_back(row_of(group, figure));
      settings.push_back(settings_beside(group, figure, known));
      choose_measure(rows.back(), settings.back());
    }
  }
  for (const auto& [name, members] : experiments) judge_all(rows, settings, members);
  return rows;
}

}  // namespace recollect
