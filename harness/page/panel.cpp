#include "harness/page/panel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "harness/page/html.hpp"
#include "harness/plot/dots.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::page {
namespace {

using plot::Mark;
using plot::MarkKind;
using plot::Panel;
using plot::Point;
using plot::px;

// Of a panel, in px where it is not scaled.
constexpr double kWidth = 180.0;
constexpr double kHeight = 138.0;
constexpr double kLeft = 35.0;
constexpr double kRight = 156.0;
constexpr double kTop = 8.0;
constexpr double kBottom = 118.0;
constexpr double kTickSize = 11.0;
constexpr double kSeen = 0.35;

double distance(const Point& point, const Point& from, const Point& to) {
  const double dx = to.x - from.x;
  const double dy = to.y - from.y;
  const double length = std::hypot(dx, dy);
  if (length == 0.0) return std::hypot(point.x - from.x, point.y - from.y);
  return std::abs(dx * (from.y - point.y) - dy * (from.x - point.x)) / length;
}

/// Of a stretch without gaps, the points that carry it (Douglas and Peucker).
std::vector<Point> thinned(const std::vector<Point>& line, double seen) {
  if (line.size() < 3) return line;
  std::vector<bool> kept(line.size(), false);
  kept.front() = kept.back() = true;
  std::vector<std::pair<std::size_t, std::size_t>> open = {{0, line.size() - 1}};
  while (!open.empty()) {
    const auto [first, last] = open.back();
    open.pop_back();
    std::size_t far = first;
    double most = seen;
    for (std::size_t i = first + 1; i < last; ++i) {
      const double away = distance(line[i], line[first], line[last]);
      if (away > most) {
        most = away;
        far = i;
      }
    }
    if (far == first) continue;
    kept[far] = true;
    open.emplace_back(first, far);
    open.emplace_back(far, last);
  }
  std::vector<Point> points;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (kept[i]) points.push_back(line[i]);
  }
  return points;
}

std::string path_through(const std::vector<Point>& points) {
  std::string path;
  for (const Point& point : points) {
    path += fmt::format("{}{},{}", path.empty() ? "M" : " ", px(point.x), px(point.y));
  }
  return path;
}

/// What of a line, from left to right, lies between two uprights; gaps stay.
std::vector<Point> between(const std::vector<Point>& line, double low, double high) {
  const auto inside = [&](const Point& point) { return point.x >= low && point.x <= high; };
  std::vector<Point> kept;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const Point& here = line[i];
    const Point& before = line[i == 0 ? i : i - 1];
    const auto crossing = [&](double x) {
      return Point{x, before.y + (here.y - before.y) * (x - before.x) / (here.x - before.x)};
    };
    if (before.x < low && here.x > low) kept.push_back(crossing(low));
    if (before.x < high && here.x > high) kept.push_back(crossing(high));
    const bool gap = !std::isfinite(here.x) || !std::isfinite(here.y);
    if (gap || inside(here)) kept.push_back(here);
  }
  return kept;
}

class PanelDrawing {
 public:
  PanelDrawing(Panel panel, const MarkNames& names) : panel_(std::move(panel)), names_(names) {
    panel_.left = kLeft;
    panel_.right = kRight;
    panel_.top = kTop;
    panel_.bottom = kBottom;
  }

  std::string draw(const std::string& label) {
    svg_ = fmt::format("<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">", kWidth,
                       kHeight, escaped(label));
    for (const Mark& mark : panel_.marks) add(mark);
    add_ticks();
    for (const plot::Label& text : panel_.labels) {
      const char* anchor = text.anchor == plot::Anchor::kStart    ? ""
                           : text.anchor == plot::Anchor::kMiddle ? " class=\"mid\""
                                                                  : " class=\"end\"";
      svg_ +=
          fmt::format("<text x=\"{}\" y=\"{}\"{}>{}</text>", px(panel_.px(text.at.x) + text.right),
                      px(panel_.py(text.at.y) + text.down), anchor, escaped(text.text));
    }
    return svg_ + "</svg>";
  }

 private:
  [[nodiscard]] Point place(const Point& point) const {
    return {panel_.px(point.x), panel_.py(std::clamp(point.y, panel_.y.low, panel_.y.high))};
  }

  [[nodiscard]] bool is_own(const Mark& mark) const { return mark.of && mark.of == panel_.of; }

  /// Class, and data-v where it is not that of the panel.
  [[nodiscard]] std::string about(const Mark& mark, const char* kind) const {
    if (mark.of && !is_own(mark)) {
      return fmt::format("class=\"ghost\" data-v=\"{}\"", names_.variant(*mark.of));
    }
    return fmt::format("class=\"{}\"", kind);
  }

  void add(const Mark& mark) {
    switch (mark.kind) {
      case MarkKind::kLine:
        return add_line(mark);
      case MarkKind::kBand:
        return add_band(mark);
      case MarkKind::kDots:
        return add_dots(mark);
      case MarkKind::kBoxes:
        return;  // of maps, which are whole pictures
    }
  }

  void add_line(const Mark& mark) {
    std::vector<Point> line;
    for (const Point& point : mark.points) line.push_back(place(point));
    line = between(line, panel_.px(panel_.x.low), panel_.px(panel_.x.high));
    const std::string path = line_path(line, mark.cells.empty() ? 0.05 : kSeen);
    if (path.empty()) return;
    const bool grid = mark.ink == plot::ink::kGrid;
    const char* kind = grid                             ? "grid"
                       : !mark.of                       ? "ref"
                       : !mark.cells.empty()            ? "seed"
                       : mark.size >= plot::kMedianLine ? "median"
                                                        : "thin";
    const char* dash = mark.dash == plot::Dash::kSolid    ? ""
                       : mark.dash == plot::Dash::kDashed ? " stroke-dasharray=\"4,3\""
                                                          : " stroke-dasharray=\"1.5,2.5\"";
    std::string cell;
    if (!mark.cells.empty()) cell = fmt::format(" data-c=\"{}\"", names_.cell(mark.cells.front()));
    svg_ += fmt::format("<path {}{}{} d=\"{}\">", about(mark, kind), cell, dash, path);
    if (!mark.name.empty()) svg_ += fmt::format("<title>{}</title>", escaped(mark.name));
    svg_ += "</path>";
  }

  void add_band(const Mark& mark) {
    std::vector<Point> edge;
    for (const Point& point : mark.points) edge.push_back(place(point));
    for (std::size_t i = mark.points.size(); i-- > 0;) {
      edge.push_back(place({mark.points[i].x, mark.upper[i]}));
    }
    const bool finite = std::all_of(edge.begin(), edge.end(), [](const Point& point) {
      return std::isfinite(point.x) && std::isfinite(point.y);
    });
    if (!finite) return;
    svg_ += fmt::format("<path {} d=\"{}z\"/>", about(mark, mark.of ? "band" : "shade"),
                        path_through(edge));
  }

  void add_dots(const Mark& mark) {
    std::string shared;
    for (std::size_t i = 0; i < mark.points.size(); ++i) {
      const Point at = place(mark.points[i]);
      if (!std::isfinite(at.x) || !std::isfinite(at.y)) continue;
      const std::string path = plot::dot_path(mark.marker, mark.size, at);
      if (i >= mark.cells.size()) {
        shared += path;
        continue;
      }
      svg_ += fmt::format("<path {} data-c=\"{}\" d=\"{}\"/>",
                          about(mark, mark.filled ? "dot" : "dot open"), names_.cell(mark.cells[i]),
                          path);
    }
    if (!shared.empty()) svg_ += fmt::format("<path {} d=\"{}\"/>", about(mark, "dot"), shared);
  }

  void add_ticks() {
    for (const int level : {0, 25, 50, 75, 100}) {
      svg_ +=
          fmt::format("<text class=\"end\" x=\"{:g}\" y=\"{}\">{}</text>", kLeft - 5.0,
                      px(panel_.py(level) + 3.8), level == 100 ? "100 %" : std::to_string(level));
    }
    // Bold ones first, then from the right, as many as have room.
    std::vector<const plot::Tick*> order;
    for (const plot::Tick& tick : panel_.x_ticks) order.insert(order.begin(), &tick);
    std::stable_partition(order.begin(), order.end(),
                          [](const plot::Tick* tick) { return tick->bold; });
    std::vector<std::pair<double, double>> taken;
    for (const plot::Tick* tick : order) {
      const double half = plot::text_width(tick->text, kTickSize, tick->bold) / 2.0 + 3.0;
      const double middle = panel_.px(tick->value);
      const bool free = std::all_of(taken.begin(), taken.end(), [&](const auto& other) {
        return middle + half <= other.first || other.second <= middle - half;
      });
      if (!free) continue;
      taken.emplace_back(middle - half, middle + half);
      svg_ +=
          fmt::format("<text class=\"mid{}\" x=\"{}\" y=\"{:g}\">{}</text>",
                      tick->bold ? " bold" : "", px(middle), kBottom + 15.0, escaped(tick->text));
    }
  }

  Panel panel_;
  const MarkNames& names_;
  std::string svg_;
};

}  // namespace

std::string line_path(const std::vector<Point>& line, double seen) {
  std::string path;
  std::vector<Point> stretch;
  const auto finish = [&] {
    if (stretch.size() > 1) path += path_through(thinned(stretch, seen));
    stretch.clear();
  };
  for (const Point& point : line) {
    if (std::isfinite(point.x) && std::isfinite(point.y)) {
      stretch.push_back(point);
    } else {
      finish();
    }
  }
  finish();
  return path;
}

std::string panel_svg(const Panel& panel, const std::string& label, const MarkNames& names) {
  return PanelDrawing(panel, names).draw(label);
}

std::string marker_svg(const plot::VariantStyle& style) {
  return fmt::format(
      "<svg class=\"marker{}\" viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><path d=\"{}\"/></svg>",
      style.dash == plot::Dash::kSolid ? "" : " open", plot::dot_path(style.marker, 4.2, {}));
}

}  // namespace recollect::page
