#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/plot/figure.hpp"

namespace recollect::page {

// SVG that the page draws by itself: its marks are elements that a filter finds, and it needs no
// other program. Colours are the style sheet's: --c of the element, or of one around it.

/// What the marks of a picture are called.
struct MarkNames {
  std::function<std::string(const plot::Named&)> variant;  ///< of data-v
  std::function<std::string(const std::string&)> cell;     ///< of data-c
};

/// The panel of one row, with ticks; its name stands above it as text.
/// @param label  what it shows, for people who do not see it
[[nodiscard]] std::string panel_svg(const plot::Panel& panel, const std::string& label,
                                    const MarkNames& names);

/// A line in px, thinned where nobody sees a difference of `seen`. A point that is no number breaks
/// it.
[[nodiscard]] std::string line_path(const std::vector<plot::Point>& line, double seen);

/// The marker of a variant, as a small picture beside its name.
[[nodiscard]] std::string marker_svg(const plot::VariantStyle& style);

}  // namespace recollect::page
