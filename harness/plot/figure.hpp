#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/plot/style.hpp"
#include "harness/store/csv.hpp"

namespace recollect::plot {

// What stands in a picture, and where: marks in the units of their panel's axes, text in px.

struct Point {
  double x = 0.0;
  double y = 0.0;  ///< NaN breaks a line
};

enum class MarkKind { kLine, kBand, kDots, kBoxes };

/// One line, band, set of dots or set of boxes.
struct Mark {
  MarkKind kind = MarkKind::kLine;
  std::vector<Point> points;  ///< of boxes: two opposite corners each, not drawn by gnuplot
  std::vector<double> upper;  ///< of a band: its other edge
  Ink ink;
  double size = 1.0;  ///< width of a line; radius of dots
  Dash dash = Dash::kSolid;
  Marker marker = Marker::kCircle;
  bool filled = true;
  double opacity = 1.0;
  std::string name;                        ///< shown where a pointer rests on it; may be empty
  std::optional<Named> of = std::nullopt;  ///< whose it is; none of grid and reference lines
  /// Of a line: the one cell that it shows; of dots: the cell of each point; else empty.
  std::vector<std::string> cells = {};
};

enum class Scale { kLinear, kLog };
struct Axis {
  double low = 0.0;  ///< at the left, or at the bottom
  double high = 1.0;
  Scale scale = Scale::kLinear;
};

enum class Anchor { kStart, kMiddle, kEnd };

/// Text that stands beside a point of a panel.
struct Label {
  Point at;            ///< in the units of the axes
  double right = 0.0;  ///< px from there
  double down = 0.0;   ///< px from there, of the base line
  std::string text;
  Ink ink = ink::kMuted;
  Anchor anchor = Anchor::kStart;
};

struct Tick {
  double value = 0.0;
  std::string text;
  bool bold = false;
};

struct Panel {
  double left = 0.0, top = 0.0, right = 0.0, bottom = 0.0;
  Axis x, y;
  std::vector<Mark> marks;  ///< later ones cover earlier ones
  // Of a panel that shows the runs of one row of a study:
  std::string section = {};  ///< title of its section
  std::string name = {};     ///< of the row
  std::optional<Named> of = std::nullopt;
  std::string says = {};  ///< what it shows in numbers, beside the name
  std::vector<Label> labels = {};
  std::vector<Tick> x_ticks = {};

  [[nodiscard]] double px(double value) const;  ///< where a value of the x axis stands
  [[nodiscard]] double py(double value) const;
};

struct Text {
  double x = 0.0, y = 0.0;  ///< of the base line
  std::string text;
  double size = kTickSize;
  Ink ink = ink::kMuted;
  Anchor anchor = Anchor::kStart;
  bool bold = false;
};

struct Figure {
  std::string name;  ///< of its files
  std::string title;
  std::string summary;  ///< what it says in numbers, for people who do not see it
  std::string reading;  ///< how to read it, as the heading says it
  std::string caption;
  double height = 0.0;
  std::vector<Panel> panels;
  std::vector<Text> texts;
  CsvTable data;  ///< the plotted data

  void add(Text text) { texts.push_back(std::move(text)); }
  /// Title and reading line at the top. @returns the y below them
  double add_heading(const std::string& how_to_read);
  /// A caption below `top`; sets the height.
  void add_caption(double top, const std::string& text);
};

}  // namespace recollect::plot
