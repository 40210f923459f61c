#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace recollect {

/// What the squares behind a standard deviation are divided by: the number of seeds (population) or
/// one less (sample), as ours are.
enum class SdDivisor { kUnknown, kSeeds, kSeedsLessOne };

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
  std::optional<double> sd;  ///< as the source has it
  SdDivisor sd_divisor = SdDivisor::kUnknown;
  std::int64_t seeds = 1;
  std::optional<std::int64_t> solved;       ///< seeds that reached 0.99
  std::optional<double> solve_step_median;  ///< among these
  std::string note;

  /// sd of n - 1; where the source does not say what its own divides by, it is taken for that.
  [[nodiscard]] std::optional<double> sample_sd() const;
};

/// @throws IoError with file and line where a column or a number is missing, or the metric is not
///   "best validation accuracy"
[[nodiscard]] std::vector<PublishedFigure> read_published(const std::filesystem::path& path);

}  // namespace recollect
