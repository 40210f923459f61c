#pragma once

#include <string>

#include "harness/plot/figure.hpp"

namespace recollect::plot {

/// To a tenth of a px, without zeros that say nothing.
[[nodiscard]] std::string px(double value);

/// A dot as the path of an SVG, all in px.
[[nodiscard]] std::string dot_path(Marker marker, double radius, Point at);

}  // namespace recollect::plot
