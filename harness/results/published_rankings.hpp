#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/results/chosen_scores.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {

/// One model of a published ranking.
struct RankedFigure {
  std::string label;         ///< of ours
  std::string as_published;  ///< its name in the source
  Moments score;             ///< mean, 0..1, with the sample deviation where the source has one
};

/// A table of others that ranks models, and the experiment of ours that asks the same question,
/// perhaps at another size: orders can be compared where figures cannot.
struct PublishedRanking {
  std::string name;
  std::string source;
  std::string what;        ///< "MQAR, 256 tokens, mean of 4 to 64 pairs"
  std::string experiment;  ///< of ours
  ChosenBy scored;         ///< which of its scores; the mean of a run's counts
  /// What the source's figures were taken with, as far as it says: names as in option_of().
  std::map<std::string, std::string> settings;
  std::vector<RankedFigure> figures;  ///< the best first
  std::string note;
};

/// Reads a file such as results/published/rankings.csv, whose columns results/README.md lists.
/// @throws IoError with file and figure where a column, a number or a name is missing or wrong
[[nodiscard]] std::vector<PublishedRanking> read_rankings(const std::filesystem::path& path);

}  // namespace recollect
