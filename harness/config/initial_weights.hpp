#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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

/// Reads a file of weights. @throws IoError if it cannot be read, or holds a tensor that is not
/// float32 or not finite
[[nodiscard]] InitialWeights initial_weights_in(const std::filesystem::path& path);

/// What `run --init FILE` and `--init-partial` stand for: overrides as load_experiment() takes
/// them.
/// @param file  relative to the working folder, not to the configuration
[[nodiscard]] std::vector<std::string> overrides_of_init(const std::filesystem::path& file,
                                                         bool partial);

}  // namespace recollect
