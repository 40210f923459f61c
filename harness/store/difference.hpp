#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace recollect {

/// Where two versions of a file of a cell part.
struct Difference {
  std::size_t byte =
      0;  ///< from 0; the length of the shorter one where that is how the other begins
  /// What stands there, in words: of a table the line (from 1), the column and both values; of
  /// weights the tensor; of other text the line.
  std::string place;
};

/// The first byte at which a file of a cell and the same file of another run differ; none where
/// they are equal.
/// @param name  of the file, which says what it holds: .csv, .safetensors, or lines of text
/// @param kept  its bytes
/// @param again  the other's; well-formed, while `kept` may hold anything
[[nodiscard]] std::optional<Difference> first_difference(std::string_view name,
                                                         std::string_view kept,
                                                         std::string_view again);

}  // namespace recollect
