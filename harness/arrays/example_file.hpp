#pragma once

#include <string>
#include <vector>

#include "harness/arrays/array_file.hpp"
#include "tasks/example_arrays.hpp"

namespace recollect {

// Examples in a file: arrays "ids", "positions", "labels" and "tag_NAME", all int32, and the text
// "digest".

inline constexpr const char* kDigestText = "digest";
inline constexpr const char* kTagPrefix = "tag_";

/// Valid while `examples` are.
[[nodiscard]] std::vector<ArrayView> arrays_of(const ExampleArrays& examples);

/// Checks that the arrays of a file are examples: types, shapes, padding at the ends of rows,
/// positions that ascend within the example, labels and ids from 0 on, each token there; and the
/// digest, where the file has one.
/// @param where  names the file in messages
/// @throws IoError
[[nodiscard]] ExampleArrays examples_in(const ArrayFile& file, const std::string& where);

/// An array that must be there with this type. @throws IoError
[[nodiscard]] const ArrayView& expect_array(const ArrayFile& file, std::string_view name,
                                            NumberType type, const std::string& where);

/// "(20, 3)"; cut where it is long.
[[nodiscard]] std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace recollect
