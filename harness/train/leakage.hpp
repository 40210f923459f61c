#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "tasks/overlap.hpp"

namespace recollect {

/// The examples that cells share: those of one task at one length and of one data seed.
struct DataSet {
  std::string task;       ///< name and every option, "mqar: length 128, layout packed, ..."
  std::string by_design;  ///< TaskSettings::shared_by_design()
  std::shared_ptr<const TaskSettings> settings;
  std::int64_t length = 0;
  std::int64_t data_seed = 0;
  SplitSizes sizes;    ///< what the cells train on (online: what `steps` batches draw), and score
  SplitSizes counted;  ///< less than `sizes` where the count would have taken too long
  Overlap overlap;     ///< among the examples counted

  [[nodiscard]] bool complete() const noexcept { return counted == sizes; }
};

/// Whether the data of cells leak from training into their scores.
struct Leakage {
  std::vector<DataSet> sets;

  /// Sets of tasks whose splits share something by design (TaskSettings::shared_by_design) do not
  /// leak, whatever they have in common.
  [[nodiscard]] bool found() const noexcept;
};

/// What counting the data of cells costs at most, in generated tokens; an example costs 16 beside
/// its own. About four seconds on one core.
inline constexpr std::int64_t kMostLeakageTokens = std::int64_t{1} << 28;

/// Counts every distinct data set of the cells once. Training examples belong to the training
/// length alone; validation and test examples to each length that is scored. Sets share
/// `most_tokens` evenly, the small ones leaving what they do not need to the others. Of a set that
/// is too large the first examples of each split are counted: at most a quarter of its share of
/// validation and of test, training with the rest.
[[nodiscard]] Leakage count_leakage(const std::vector<const Cell*>& cells, int threads,
                                    std::int64_t most_tokens = kMostLeakageTokens);

/// The same of all cells of an experiment.
[[nodiscard]] Leakage count_leakage(const Experiment& experiment, int threads,
                                    std::int64_t most_tokens = kMostLeakageTokens);

/// What the count found: a line on all the data, then, where there is something to say, on
/// repeated training examples, on what was not counted and on what splits share by design; the
/// warning; and the data sets next to the worst.
[[nodiscard]] std::vector<std::string> describe(const Leakage& leakage);

/// One line on the worst data set, with a remedy; "" where nothing leaks but by design.
[[nodiscard]] std::string leakage_warning(const Leakage& leakage);

}  // namespace recollect
