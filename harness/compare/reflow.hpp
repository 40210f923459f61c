#pragma once

#include <string>
#include <string_view>

namespace recollect {

/// Breaks the paragraphs and list items of a Markdown text anew, at 118 bytes; a unit stays with
/// its number. A command, a heading and the row of a table keep a line of their own.
[[nodiscard]] std::string reflowed(std::string_view text);

}  // namespace recollect
