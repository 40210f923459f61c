#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/arrays/array.hpp"
#include "models/parameters.hpp"

namespace recollect {

// Weights in files of the safetensors format (harness/arrays/safetensors_format.hpp).

/// A tensor in memory; row-major.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

struct WeightsFile {
  Metadata metadata;
  std::vector<NamedTensor> tensors;  ///< in the order of their data
};

/// A tensor to be written, and where it lies; row-major.
struct TensorView {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> data;
};

/// The shape under which a parameter is written.
[[nodiscard]] std::vector<std::int64_t> shape_of(const ParameterInfo& info);

/// The bytes of a file. Equal arguments give equal bytes.
[[nodiscard]] std::string encode_safetensors(const std::vector<TensorView>& tensors,
                                             const Metadata& metadata);

/// The same as read_safetensors() for bytes that were read from `path`.
[[nodiscard]] WeightsFile parse_safetensors(std::string_view file,
                                            const std::filesystem::path& path);

/// Reads and checks a file: sizes, offsets, overlaps, gaps, truncation, types.
/// @throws IoError with the path and what is wrong
[[nodiscard]] WeightsFile read_safetensors(const std::filesystem::path& path);

/// Writes `weights`, laid out by `layout`, atomically, with a checksum of them in the metadata.
/// Equal arguments give equal bytes.
/// @throws IoError
void save_weights(const std::filesystem::path& path, const ParameterLayout& layout,
                  std::span<const float> weights, const Metadata& metadata);

/// Reads weights for a model. Every tensor of `layout` must be there with its shape, and no other;
/// the checksum must fit, where there is one.
/// @throws IoError
[[nodiscard]] std::vector<float> load_weights(const std::filesystem::path& path,
                                              const ParameterLayout& layout);

/// Version of the way in which weights are written, in the metadata as "format_version".
inline constexpr int kWeightsFormatVersion = 1;

}  // namespace recollect
