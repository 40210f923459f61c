#pragma once

#include <string>

#include "harness/plot/figure.hpp"

namespace recollect::plot {

/// The finished picture: the geometry that gnuplot gave for the marks, with the figure's own text,
/// colours, title and description, and a style block that turns it dark where the reader's system
/// is. The same figure gives the same bytes. @throws IoError where gnuplot's output lacks a mark
[[nodiscard]] std::string finished_svg(const Figure& figure, const std::string& drawn);

/// The picture as a dark scheme shows it, for programs that have no scheme.
[[nodiscard]] std::string in_dark(std::string svg);

/// The picture for a page of both schemes, which chooses between them by light-dark(): colours are
/// rules that reach elements within `scope` alone, a CSS selector.
[[nodiscard]] std::string for_page(const Figure& figure, std::string svg, const std::string& scope);

}  // namespace recollect::plot
