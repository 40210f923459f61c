#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/results/group_result.hpp"
#include "harness/results/published_figures.hpp"
#include "harness/stats/equivalence.hpp"

namespace recollect {

enum class PublishedVerdict { kNotComparable, kInconclusive, kEquivalent, kDiffers };
[[nodiscard]] std::string name_of(PublishedVerdict verdict);
[[nodiscard]] PublishedVerdict verdict_of(Finding finding);

/// Differences of mean accuracies up to one point are of no interest, as in `compare`: a fraction
/// of it comes from which validation examples were drawn and from the step at which a run stops.
inline constexpr double kMeanMargin = 0.01;
/// Of shares of solved seeds: one seed of five, the least that the usual five seeds can show. A
/// point would take some 10,000 seeds a side to be found equivalent.
inline constexpr double kShareMargin = 0.2;

/// What decides a row.
enum class DecidedBy { kNothing, kMeans, kShares };
[[nodiscard]] std::string name_of(DecidedBy measure);

/// One of our groups beside a published figure.
struct PublishedComparison {
  GroupResult ours;
  PublishedFigure figure;
  std::string task_settings;               ///< "mqar pairs 8"
  std::optional<double> difference;        ///< of the mean accuracies, ours less published
  std::optional<Interval> means;           ///< 95 % interval of it
  std::optional<Interval> shares;          ///< of the difference of shares solved
  std::optional<double> solve_step_ratio;  ///< median steps among the solved, ours / published
  PublishedVerdict verdict = PublishedVerdict::kNotComparable;
  std::string why;

  // Of rows that are compared:
  DecidedBy decided_by = DecidedBy::kNothing;
  double margin = 0.0;
  std::int64_t compared = 0;  ///< figures that the row's experiment is compared with
  /// Of the test that the difference is no larger than the margin; corrected after Holm for all
  /// figures that the experiment is compared with.
  double p = 1.0, corrected_p = 1.0;
  /// What the truth of ours could have been found to be: of a mean or of a share of seeds.
  Detectable detectable;
  std::string could_have_seen;  ///< the same as a sentence
  std::string would_differ_if;  ///< and in short: "solved below 31 %", "never"
};

/// A row for each pair of one of our groups and a published figure of the same task, variant,
/// lengths and size (pairs or tokens); figures without such a group have none. Ours is the accuracy
/// of the best weights on validation, as published. The verdict:
///   not comparable   a setting that may matter differs (settings_beside()), or nobody knows the
///                    spread; `why` names each
///   equivalent       the whole 95 % interval of the difference lies within the margin
///   differs          it lies beyond the margin, with a confidence that is corrected after Holm for
///                    all figures that the experiment is compared with
///   inconclusive     else
/// One difference decides a row. It is that of the shares of solved seeds (Newcombe) where our
/// seeds fall into two clusters, most of the upper one solved the task and the source counts its
/// solved seeds, or where the settings leave the shares alone to compare; that of the means (Welch)
/// otherwise.
[[nodiscard]] std::vector<PublishedComparison> compare_published(
    const std::vector<GroupResult>& groups, const std::vector<PublishedFigure>& figures);

}  // namespace recollect
