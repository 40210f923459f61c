#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/plot/style.hpp"
#include "harness/results/group_result.hpp"
#include "harness/store/record.hpp"
#include "harness/store/state.hpp"

namespace recollect::plot {

/// The runs of one label in one setting: best weights on test examples.
struct StudyRow {
  Named named;
  std::string name;  ///< the label, with what tells it from another row of the same label
  const VariantStyle* style = nullptr;
  const GroupResult* trained = nullptr;     ///< at the training length, or the one nearest to it
  std::vector<const GroupResult*> lengths;  ///< every length, the shortest first
};

/// The rows that share the settings of task and training.
struct StudySection {
  std::string title;  ///< "16 pairs"; empty where a study has one section alone
  std::optional<std::int64_t> pairs;
  std::vector<StudyRow> rows;
};

/// What pictures are made of: an experiment, or several whose runs are shown together.
struct Study {
  std::string name;   ///< "mqar-64", or "a+b"
  std::string shown;  ///< "mqar-64", or "a, b"
  std::vector<std::string> experiments;
  std::string setting;  ///< "MQAR, 32 pairs in 128 tokens": what all sections share
  std::string code_version;
  std::int64_t examples = 0;  ///< test examples of a score; 0 where that is not the same
  double solve_at = 0.99;
  std::vector<StudySection> sections;
  /// By what was trained, where sections go by the score; without other programs' models.
  std::vector<StudySection> trainings;

  [[nodiscard]] std::size_t rows() const;
  /// With `trainings` as its sections: each run once, however many settings of eval.cells it is
  /// scored at. What a run did while it trained is shown so.
  [[nodiscard]] Study by_training() const;
  [[nodiscard]] std::string seeds_text() const;     ///< "20 seeds a row", "2 to 5 seeds a row"
  [[nodiscard]] std::string examples_text() const;  ///< "1,000 test examples a seed"
  [[nodiscard]] std::string origin() const;         ///< "mqar-64 at 85e8eee"
};

/// @param experiments  whose groups are shown; several are shown together
/// @param groups  outlive the study
[[nodiscard]] Study make_study(const std::vector<std::string>& experiments,
                               const std::vector<GroupResult>& groups, const Styles& styles);

/// Whether seed i of a row solved its task.
[[nodiscard]] bool solved(const GroupResult& group, std::size_t seed);

/// When the runs of a group solved it; one that diverged never does.
[[nodiscard]] std::vector<Waiting> waiting_of(const GroupResult& group);

/// Histories by the name of the cell; empty where the results have none, as a table.
using Histories = std::map<std::string, std::vector<HistoryRow>>;

/// Scores by tag, likewise.
using Slices = std::map<std::string, std::vector<SliceRow>>;

}  // namespace recollect::plot
