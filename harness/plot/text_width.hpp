#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace recollect::plot {

/// How wide a text is in px, with the advance widths of Helvetica, which Arial and Liberation Sans
/// share. Letters beyond ASCII are taken for a little wider than they are.
[[nodiscard]] double text_width(std::string_view text, double size, bool bold = false);

/// Lines no wider than `width`, broken between words; a word that is wider is cut.
[[nodiscard]] std::vector<std::string> wrapped_lines(std::string_view text, double width,
                                                     double size);

/// The text, or as much of it as fits and "…".
[[nodiscard]] std::string shortened(std::string_view text, double width, double size,
                                    bool bold = false);

/// The text for an SVG: what XML gives a meaning is escaped, what it does not allow (control
/// characters, bytes that are no UTF-8) becomes U+FFFD.
[[nodiscard]] std::string xml_text(std::string_view text);

}  // namespace recollect::plot
