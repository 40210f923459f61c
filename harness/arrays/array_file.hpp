#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/arrays/array.hpp"
#include "harness/arrays/zip.hpp"

namespace recollect {

/// Named arrays and texts in one of three forms, by the name of the path:
///   NAME.safetensors   texts are its metadata
///   NAME.npz           a zip archive of NAME.npy, as numpy.savez writes it; texts are arrays of
///                      type <U without dimensions
///   a folder           the same as files, but for the text "settings", which is settings.yaml
struct ArrayFile {
  std::vector<ArrayView> arrays;  ///< by name; they view `held`
  Metadata texts;
  std::deque<std::string> held;

  ArrayFile() = default;
  ArrayFile(ArrayFile&&) = default;
  ArrayFile& operator=(ArrayFile&&) = default;
  ArrayFile(const ArrayFile&) = delete;
  ArrayFile& operator=(const ArrayFile&) = delete;
  ~ArrayFile() = default;

  /// None where it is not there.
  [[nodiscard]] const ArrayView* find(std::string_view name) const noexcept;
};

/// @throws IoError with path and reason
[[nodiscard]] ArrayFile read_arrays(const std::filesystem::path& path);

/// The same of the bytes of a .npz file; `path` is for messages. @throws IoError
[[nodiscard]] ArrayFile parse_npz(std::string_view bytes, const std::filesystem::path& path,
                                  const UnpackLimit& limit);

/// Writes as a whole. Equal arguments give equal bytes. A folder that is there must hold nothing
/// but what such a folder holds, and names must be names of files in it. @throws IoError
void write_arrays(const std::filesystem::path& path, const std::vector<ArrayView>& arrays,
                  const Metadata& texts);

/// Fails where write_arrays() would, as far as that can be known; writes nothing. @throws IoError
void check_array_place(const std::filesystem::path& path);

}  // namespace recollect
