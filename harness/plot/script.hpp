#pragma once

#include <string>

#include "harness/plot/figure.hpp"

namespace recollect::plot {

/// The gnuplot script that draws the panels of a figure as SVG on its standard output. Mark i of
/// all panels has the title "mI", by which finished_svg() finds it again; boxes are left to that.
/// No text of a user's stands in it: gnuplot would read markup into names, and knows no widths.
[[nodiscard]] std::string gnuplot_script(const Figure& figure);

}  // namespace recollect::plot
