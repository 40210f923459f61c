#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/plot/figure.hpp"
#include "harness/plot/study.hpp"

namespace recollect::plot {

/// Small multiples: a panel a row of a study, accuracy from 0 to 100 % upwards.
struct PanelGrid {
  std::size_t columns = 3;
  double gap = 30.0;      ///< between panels
  double height = 150.0;  ///< of a panel
  Axis x;
  std::vector<Tick> x_ticks;
};

/// Beyond this many panels nobody finds one.
inline constexpr std::size_t kMostPanels = 72;

/// Draws what stands in the panel of a row.
using DrawPanel = std::function<void(Panel&, const StudySection&, const StudyRow&)>;

/// Panels for all rows below `top`, with names, ticks and grid lines. @returns the y below them
double add_panels(Figure& figure, double top, const Study& study, const PanelGrid& grid,
                  const DrawPanel& draw);

/// Whether the other rows of a section stand behind each row of it: of more than a dozen none can
/// be told from another.
[[nodiscard]] bool has_ghosts(const StudySection& section);
/// Whether any section has them.
[[nodiscard]] bool has_ghosts(const Study& study);

/// As many columns as there are rows in a section, but at most `most`, and no more than leave room
/// for the names of the rows, or three. @param gap  between panels
[[nodiscard]] std::size_t columns_for(const Study& study, std::size_t most, double gap);

/// Three panels side by side, over the steps of training: from 0 to `last`; or, with `first` above
/// 0, from there on a log scale.
[[nodiscard]] PanelGrid step_grid(const Study& study, double last, double first = 0.0);

/// A level line across a panel.
[[nodiscard]] Mark level_line(const Axis& x, double y, const Ink& ink, double width, Dash dash);

/// From 0 to `last` in steps of 1, 2 or 5 times a power of ten; at most `most` of them.
[[nodiscard]] std::vector<Tick> count_ticks(double last, std::size_t most);

}  // namespace recollect::plot
