#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/render/text_table.hpp"
#include "harness/results/published.hpp"
#include "harness/results/published_rankings.hpp"

namespace recollect {

/// A model of a published ranking, beside the runs of ours that have its label.
struct RankedRow {
  RankedFigure figure;
  std::map<std::int64_t, double> by_seed;  ///< the mean of a run's chosen scores, 0..1
  std::int64_t diverged = 0;
  std::int64_t published_rank = 0, rank = 0;  ///< from 1; equal means share one; 0: no run of ours
  PublishedVerdict verdict = PublishedVerdict::kNotComparable;

  [[nodiscard]] std::optional<Moments> ours() const;
};

/// Two models, the first of which the source ranks higher, and ours the other way round.
struct Inversion {
  std::string first, second;
  double published = 0.0;                      ///< difference of means there, first less second
  std::optional<Interval> published_interval;  ///< Welch
  double ours = 0.0;
  /// Student's, of the differences seed by seed; Welch where the seeds are not the same.
  std::optional<Interval> interval;
};

struct RankingComparison {
  const PublishedRanking* ranking = nullptr;
  std::vector<RankedRow> rows;         ///< as the source ranks them
  std::vector<std::string> different;  ///< "length 128 instead of 256"
  std::int64_t pairs = 0;  ///< of models that both sides have and the source tells apart
  std::vector<Inversion> inversions;
};

/// The verdict of a row is that of its mean: `not comparable` where a setting that the source
/// states differs from ours, or neither side has a deviation; else as in compare_published(), with
/// Holm's correction over the rows.
/// @param cells  of the ranking's experiment
/// @throws IoError where none of its labels has a run that the ranking's `scored` means
[[nodiscard]] RankingComparison compare_ranking(const PublishedRanking& ranking,
                                                const std::vector<CellResult>& cells);

[[nodiscard]] TextTable ranking_table(const RankingComparison& comparison);

}  // namespace recollect
