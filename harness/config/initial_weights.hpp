#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// Tensors that a training starts from, by name.
struct InitialWeights {
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> data;
  };
  std::vector<Tensor> tensors;  ///< by name
  std::string digest;           ///< of names, shapes and data, whatever else the file says
};

/// What `run --init FILE` and `--init-partial` stand for: overrides as load_experiment() takes
/// them.
/// @param file  relative to the working folder, not to the configuration
[[nodiscard]] std::vector<std::string> overrides_of_init(const std::filesystem::path& file,
                                                         bool partial);

/// Fills in what `train.init` names: its tensors, and the text with absolute path and digest.
/// @param folder  that a path is relative to
/// @param needed  false: results are read, and a file that is not there may stay away where its
/// digest is given
/// @throws IoError where it cannot be read, holds what is no float32 tensor or no finite number, or
/// has another digest
void read_initial_weights(TrainSettings& train, const std::filesystem::path& folder, bool needed);

}  // namespace recollect
