#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/exchange/example_choice.hpp"
#include "harness/exchange/outside_cell.hpp"

namespace recollect {

/// Scores a file of predictions (read_arrays()): "predictions" (N, R) int32, an id for each scored
/// position, or "logits" (N, R, V) float32; and the text "digest" of the examples that they are of.
/// What stands at padded positions is not looked at. Of equal logits the first counts. Ids have no
/// loss.
/// @throws Error of status 64 where the request is not clear; IoError, naming the file and what is
/// wrong, where it is not of these examples: another digest, shape or type, an id out of range, a
/// logit that is NaN, or a loss that is not finite
[[nodiscard]] OutsideScore score_predictions(const Cell& cell, const ExampleRequest& request,
                                             const std::filesystem::path& file, int threads);

/// The same of arrays in memory. @param where  stands for the file in messages
/// @throws Interrupted as well
[[nodiscard]] OutsideScore score_predictions(const Cell& cell, const ExampleRequest& request,
                                             const ArrayFile& arrays, const std::string& where,
                                             int threads,
                                             const StopRequest& stop = StopRequest::never());

/// Scores weights of this program, of the cell or a cell of the same shape, at the request's
/// settings. @throws as above, and ConfigError where the model cannot read such a length
[[nodiscard]] OutsideScore score_checkpoint(const Cell& cell, const std::string& experiment,
                                            const ExampleRequest& request,
                                            const std::filesystem::path& file, int threads);

/// The logits of such weights at the scored positions of the request's examples: (N, R, V),
/// row-major, 0 at padded positions. @throws as above
[[nodiscard]] std::vector<float> logits_of(const Cell& cell, const std::string& experiment,
                                           const ExampleRequest& request,
                                           const std::filesystem::path& file, int threads);

/// Writes them as score_predictions() reads them. @throws as above
void write_logits(const std::filesystem::path& path, const Cell& cell,
                  const std::string& experiment, const ExampleRequest& request,
                  const std::filesystem::path& file, int threads);

}  // namespace recollect
