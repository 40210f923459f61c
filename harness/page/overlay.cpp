#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/dots.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::page {
namespace {

using plot::Mark;
using plot::MarkKind;
using plot::Panel;
using plot::px;

constexpr std::size_t kMostLines = 6;  // of which each can still be followed
constexpr double kLabelAt = 572.0;
constexpr double kLabelHeight = 30.0;

/// What the panel of a row shows of the row itself.
struct Line {
  const Panel* panel = nullptr;
  const Mark* share = nullptr;
  const Mark* band = nullptr;
  double label = 0.0;  ///< height of its name, in px
};

std::vector<Line> lines_of(const plot::Figure& figure, const std::string& section) {
  std::vector<Line> lines;
  for (const Panel& panel : figure.panels) {
    if (panel.section != section) continue;
    Line line{&panel, nullptr, nullptr, 0.0};
    for (const Mark& mark : panel.marks) {
      if (mark.of != panel.of) continue;
      if (mark.kind == MarkKind::kBand) line.band = &mark;
      if (mark.kind == MarkKind::kLine && mark.size >= plot::kMedianLine) line.share = &mark;
    }
    if (line.share != nullptr && line.band != nullptr) lines.push_back(line);
  }
  return lines;
}

/// Names beside the ends of their lines, pushed apart where they would touch.
void place_labels(std::vector<Line>& lines, const Panel& frame) {
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return a.share->points.back().y > b.share->points.back().y;
  });
  double free = frame.top;
  for (Line& line : lines) {
    line.label = std::max(free, frame.py(line.share->points.back().y));
    free = line.label + kLabelHeight;
  }
  double bottom = frame.bottom;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    line->label = std::min(line->label, bottom);
    bottom = line->label - kLabelHeight;
  }
}

std::string line_svg(const Line& line, const Panel& frame, double whisker, std::size_t number,
                     const Context& context) {
  std::vector<plot::Point> stairs;
  for (const plot::Point& point : line.share->points) {
    stairs.push_back({frame.px(point.x), frame.py(point.y)});
  }
  const double end = frame.py(line.share->points.back().y);
  const double low = frame.py(line.band->points.back().y);
  const double high = frame.py(line.band->upper.back());
  const plot::VariantStyle& style = context.input.material.styles.of(*line.panel->of);
  return fmt::format(
      "<g data-v=\"{}\"><path class=\"median\" d=\"{}\"/><path class=\"thin\" d=\"M{},{}V{}\"/>"
      "<path class=\"dot\" d=\"{}\"/><text class=\"name bold\" x=\"{:g}\" y=\"{}\">{}</text>"
      "<text x=\"{:g}\" y=\"{}\">{}</text></g>",
      number, line_path(stairs, 0.05), px(whisker), px(low), px(high),
      plot::dot_path(style.marker, 3.4, {whisker, end}), kLabelAt, px(line.label - 1.0),
      escaped(plot::shortened(line.panel->name, 200.0, 12.0, true)), kLabelAt,
      px(line.label + 12.0), escaped(line.panel->says));
}

}  // namespace

std::string solved_overlay(const plot::Figure& figure, const std::string& section,
                           const Context& context) {
  std::vector<Line> lines = lines_of(figure, section);
  if (lines.size() < 2 || lines.size() > kMostLines) return "";
  Panel frame = *lines.front().panel;
  frame.left = 46.0;
  frame.right = 480.0;
  frame.top = 14.0;
  frame.bottom = 214.0;
  place_labels(lines, frame);
  std::string label = "Share of seeds that have solved the task, all variants";
  std::string svg;
  for (const int level : {0, 25, 50, 75, 100}) {
    const double y = frame.py(level);
    svg += fmt::format(
        "<path class=\"grid\" d=\"M46,{}H480\"/><text style=\"text-anchor:end\" x=\"40\" "
        "y=\"{}\">{}</text>",
        px(y), px(y + 4.0), level == 100 ? "100 %" : std::to_string(level));
  }
  for (const plot::Tick& tick : frame.x_ticks) {
    svg += fmt::format("<text class=\"mid\" x=\"{}\" y=\"232\">{}</text>", px(frame.px(tick.value)),
                       escaped(tick.text));
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double whisker = 494.0 + 12.0 * static_cast<double>(i);
    svg += line_svg(lines[i], frame, whisker, context.number_of(*lines[i].panel->of), context);
    label += fmt::format("; {}: {}", lines[i].panel->name, lines[i].panel->says);
  }
  return fmt::format(
      "<figure class=\"overlay\" aria-label=\"{0}\"><svg viewBox=\"0 0 780 240\" role=\"img\" "
      "aria-label=\"{0}\">{1}</svg></figure>\n",
      escaped(label), svg);
}

}  // namespace recollect::page
