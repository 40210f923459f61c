#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/config/reporter.hpp"
#include "harness/config/settings.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Reads `train.mixture` or `eval.cells`: a list of maps, each of options of the task that override
/// those of `base`, and `examples`. The vocabulary is the model's, so it is the same for all.
/// @param base      as written, before TaskSettings::resolve()
/// @param key       in full: "train.mixture"
/// @param examples  of an entry that gives none; 0: it must give them
/// @throws ConfigError
[[nodiscard]] std::vector<TaskPart> read_task_parts(const YamlValue& list, const std::string& key,
                                                    const TaskSettings& base, std::int64_t examples,
                                                    PlaceMap& places,
                                                    const std::string& combination);

/// The longest of them; of equals the first.
[[nodiscard]] std::shared_ptr<TaskSettings> longest_of(const std::vector<TaskPart>& parts);

/// Each as a map that gives the same part from `base`: the length, what differs, the examples.
[[nodiscard]] std::vector<std::string> part_texts(const std::vector<TaskPart>& parts,
                                                  const TaskSettings& base);

/// Each as a map of what its entry in `list` gives, whatever the task is.
[[nodiscard]] std::vector<std::string> written_texts(const std::vector<TaskPart>& parts,
                                                     const YamlValue& list);

/// Fills TaskPart::settings: the options that some part has otherwise than another, or than `base`.
void name_settings(std::vector<TaskPart>& parts, const TaskSettings& base);

/// The same task at another length.
[[nodiscard]] std::shared_ptr<TaskSettings> at_length(const TaskSettings& task,
                                                      std::int64_t length);

/// Batches that hold so many examples once; the last may be short.
[[nodiscard]] constexpr std::int64_t batch_count(std::int64_t examples,
                                                 std::int64_t batch) noexcept {
  return (examples + batch - 1) / batch;
}

/// What training draws its batches from: the components of a mixture, or the one task.
[[nodiscard]] std::vector<TaskPart> training_parts(const Cell& cell);

/// What the weights are scored at: eval.cells, or the task at eval.lengths, ascending.
[[nodiscard]] std::vector<TaskPart> scored_parts(const Cell& cell);

}  // namespace recollect
