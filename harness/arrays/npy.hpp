#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "harness/arrays/array.hpp"

namespace recollect {

// NumPy's .npy: "\x93NUMPY", two bytes of version, the length of the header, the header as Python
// writes a dict, padded with blanks so that the data start at a multiple of 64 bytes, the data.

/// The bytes of a file that holds the array, version 1.0. Equal arrays give equal bytes.
[[nodiscard]] std::string encode_npy(const ArrayView& array);

/// The same of a text: an array of type <U and no dimensions, as numpy.save writes a str.
[[nodiscard]] std::string encode_npy_text(std::string_view utf8);

/// Reads a file of either kind; the array views `file` and is named `name`. A text may be of type
/// <U or |S.
/// @param where  names the file in messages
/// @throws IoError for anything else: other types, Fortran order, truncation
[[nodiscard]] std::variant<ArrayView, std::string> parse_npy(std::string_view file,
                                                             const std::string& name,
                                                             const std::string& where);

}  // namespace recollect
