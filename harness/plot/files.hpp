#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/plot/figure.hpp"

namespace recollect::plot {

/// @throws IoError that says how to get it where there is no gnuplot
void expect_gnuplot();

[[nodiscard]] bool has_gnuplot();

/// Whether rsvg-convert is there, which makes PNGs.
[[nodiscard]] bool can_make_png();

/// A figure as SVG. @throws IoError with the first line of what gnuplot says where it fails
[[nodiscard]] std::string svg_of(const Figure& figure);

/// What is made beside each SVG.
struct Formats {
  bool png = false;
  bool dark_png = false;  ///< NAME-dark.png
};

/// Writes FOLDER/NAME.svg, .csv and the other formats, several figures at a time.
/// @returns the paths of the SVGs @throws IoError of the first figure that cannot be written
[[nodiscard]] std::vector<std::filesystem::path> write_figures(const std::filesystem::path& folder,
                                                               const std::vector<Figure>& figures,
                                                               const Formats& formats);

}  // namespace recollect::plot
