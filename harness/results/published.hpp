#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/results/group_result.hpp"

namespace recollect {

/// A figure of others: a line of a file such as results/published/published.csv, whose columns
/// results/README.md lists.
struct PublishedFigure {
  std::string source;
  std::string variant;               ///< of ours
  std::string variant_as_published;  ///< its name in the source
  std::string task;
  std::int64_t length = 0;
  std::int64_t eval_length = 0;
  /// Settings that the figure was taken with, by our column ("task_pairs", "train_steps"). Settings
  /// that the file has no column for are the defaults, which are those of the papers.
  std::map<std::string, std::string> settings;
  std::string unseen_levels;
  double mean = 0.0;
  std::optional<double> sd;
  std::int64_t seeds = 1;
  std::optional<std::int64_t> solved;       ///< seeds that reached 0.99
  std::optional<double> solve_step_median;  ///< among these
  std::string note;
};

/// @throws IoError with file and line where a column or a number is missing, or the metric is not
///   "best validation accuracy"
[[nodiscard]] std::vector<PublishedFigure> read_published(const std::filesystem::path& path);

enum class Agreeing { kNotComparable, kAgrees, kDiffers };
[[nodiscard]] std::string name_of(Agreeing agreeing);

/// One of our groups beside a published figure.
struct PublishedComparison {
  GroupResult ours;
  PublishedFigure figure;
  std::string task_settings;               ///< "mqar pairs 8"
  std::optional<double> difference;        ///< of the mean accuracies, ours less published
  std::optional<Interval> means;           ///< 95 % interval of it
  std::optional<Interval> shares;          ///< of the difference of shares solved
  std::optional<double> solve_step_ratio;  ///< median steps among the solved, ours / published
  Agreeing verdict = Agreeing::kNotComparable;
  std::string why;
};

/// A row for each pair of one of our groups and a published figure of the same task, variant,
/// lengths and size (pairs or tokens); figures without such a group have none. Ours is the accuracy
/// of the best weights on validation, as published. The verdict:
///   not comparable   a setting differs, or nobody knows the spread; `why` names each
///   differs, agrees  by the 95 % interval of the difference of means (Welch), which has to come
///                    within 0.01 of 0, and, where the source counts solved seeds, by that of the
///                    difference of shares (Newcombe), which has to hold 0. Where our seeds fall
///                    into two clusters, the shares alone decide, if there are any.
/// An interval that holds 0 is no proof that there is no difference; its width says what could
/// have been seen.
[[nodiscard]] std::vector<PublishedComparison> compare_published(
    const std::vector<GroupResult>& groups, const std::vector<PublishedFigure>& figures);

}  // namespace recollect
