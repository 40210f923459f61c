#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/arrays/array.hpp"

namespace recollect {

/// The safetensors format, for tensors of float32 and int32:
///   8 bytes   N, the length of the header, little-endian
///   N bytes   JSON: {"__metadata__": {text: text}, name: {"dtype": "F32" or "I32", "shape": [...],
///             "data_offsets": [begin, end]}, ...}, padded with blanks to a multiple of 8
///   the rest  the data; offsets count bytes from its start, without gaps or overlaps

struct Safetensors {
  Metadata metadata;
  std::vector<ArrayView> tensors;  ///< in the order of their data, which they view
};

/// Which types a reader takes.
enum class TensorTypes { kFloat32, kAll };

/// Reads and checks the bytes of a file: sizes, offsets, overlaps, gaps, truncation, types. Valid
/// while `file` is. `path` is for messages.
/// @throws IoError with the path and what is wrong
[[nodiscard]] Safetensors parse_safetensors_bytes(std::string_view file,
                                                  const std::filesystem::path& path,
                                                  TensorTypes types);

/// "16, 8": a shape or offsets as messages show them, however many a file says there are.
[[nodiscard]] std::string shown_list(const std::vector<std::int64_t>& numbers);

/// The bytes of a file. Equal arguments give equal bytes.
[[nodiscard]] std::string encode_safetensors_bytes(const std::vector<ArrayView>& tensors,
                                                   const Metadata& metadata);

}  // namespace recollect
