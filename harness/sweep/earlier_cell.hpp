#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/store/cell_folder.hpp"

namespace recollect {

// How verification compares a kept cell of an earlier version with one that is made today.

/// Makes `fresh` what the version that made `mine` would have made of it: under its build, without
/// the files that it did not write, the rows that it did not add to them, and the digests that it
/// did not take. What is left must be the same. A file that the kept status names, or that is
/// there, is compared; so are all of its rows where it is not what that status says.
/// @param kept  the status of `mine`; none where it cannot be read
void make_like_earlier(const CellFolder& mine, const std::optional<CellStatus>& kept,
                       const CellFolder& fresh);

/// What a file of a cell says, where an earlier version wrote the same in another form.
[[nodiscard]] std::string in_todays_form(std::string_view name, std::string text);

}  // namespace recollect
