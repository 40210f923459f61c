#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/record.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// Weights on disk, and the cell that they are of.
struct TrainedModel {
  Experiment experiment;
  std::size_t place = 0;  ///< of the cell in the experiment
  std::filesystem::path path;
  std::string says;  ///< "best weights, step 4,200, cell c6eeccf09bbeaa82"
  std::string note;  ///< one line to tell, or ""

  [[nodiscard]] const Cell& cell() const { return experiment.cells[place]; }
};

/// Of a folder OUT/cells/HASH. @throws IoError where it is none, or holds no weights; what to do is
/// in the line
[[nodiscard]] TrainedModel model_of_folder(const std::filesystem::path& folder, Weights weights);

/// Which of a configuration's cells is meant, where the file does not say.
struct CellChoice {
  std::optional<std::string> label;
  std::optional<std::int64_t> seed;
};

/// Of a file of weights, and a configuration one of whose cells it is of: that which the file
/// names, unless `choice` says another. @throws IoError where it cannot be read, ConfigError where
/// no cell or several fit
[[nodiscard]] TrainedModel model_of_file(const std::filesystem::path& file, Experiment experiment,
                                         const CellChoice& choice);

/// The model with its weights. @throws IoError with tensor and shapes where they are of another
/// model, and where one is not finite
[[nodiscard]] SequenceModel<float> load_model(const TrainedModel& trained);

}  // namespace recollect
