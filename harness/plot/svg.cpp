#include "harness/plot/svg.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <string_view>

#include "base/error.hpp"
#include "harness/plot/dots.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr std::string_view kDarkScheme = "@media(prefers-color-scheme:dark){";

/// What stands between `begin` and the next `end`, from `at` on; moves `at` behind it. Empty where
/// there is none before `limit`.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end,
                         std::size_t& at, std::size_t limit) {
  const std::size_t start = text.find(begin, at);
  if (start == std::string_view::npos || start >= limit) return {};
  const std::size_t stop = text.find(end, start + begin.size());
  if (stop == std::string_view::npos) return {};
  at = stop;
  return text.substr(start + begin.size(), stop - start - begin.size());
}

/// The numbers of a text, in pairs.
std::vector<Point> pairs_of(std::string_view text) {
  std::vector<Point> pairs;
  const std::string copy(text);
  const char* at = copy.c_str();
  std::vector<double> numbers;
  while (*at != '\0') {
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    if (end == at) {
      ++at;
      continue;
    }
    numbers.push_back(value);
    at = end;
  }
  for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
    pairs.push_back({numbers[i], numbers[i + 1]});
  }
  return pairs;
}

bool between_level_neighbours(const std::vector<Point>& line, std::size_t i) {
  constexpr double kSeen = 0.15;
  return i > 0 && i + 1 < line.size() && std::abs(line[i].y - line[i - 1].y) < kSeen &&
         std::abs(line[i].y - line[i + 1].y) < kSeen;
}

/// A line through points; those in the middle of a level stretch are left out.
std::string line_path(const std::vector<Point>& line, bool closed) {
  std::string path;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!closed && between_level_neighbours(line, i)) continue;
    path += fmt::format("{}{},{}", path.empty() ? "M" : " ", px(line[i].x), px(line[i].y));
  }
  return path + (closed ? "z" : "");
}

/// Where gnuplot moved the pen, a new line begins.
std::string lines_path(std::string_view moves) {
  std::string path;
  for (std::size_t at = moves.find('M'); at != std::string_view::npos;) {
    const std::size_t next = moves.find('M', at + 1);
    const std::vector<Point> line = pairs_of(moves.substr(at, next - at));
    if (line.size() > 1) path += line_path(line, false);
    at = next;
  }
  return path;
}

/// The path of a mark, from what gnuplot drew between two places of its output.
std::string path_of(const Mark& mark, std::string_view drawn, std::size_t at, std::size_t limit) {
  std::string path;
  for (;;) {
    const std::string_view found =
        mark.kind == MarkKind::kLine   ? between(drawn, " d='", "'", at, limit)
        : mark.kind == MarkKind::kBand ? between(drawn, "points = '", "'", at, limit)
                                       : between(drawn, "translate(", ")", at, limit);
    if (found.empty()) return path;
    if (mark.kind == MarkKind::kLine) {
      path += lines_path(found);
    } else if (mark.kind == MarkKind::kBand) {
      path += line_path(pairs_of(found), true);
    } else {
      for (const Point& point : pairs_of(found)) path += dot_path(mark.marker, mark.size, point);
    }
  }
}

/// Boxes share one path, so that thousands of one colour are one element.
std::string boxes_path(const Panel& panel, const Mark& mark) {
  std::string path;
  for (std::size_t i = 0; i + 1 < mark.points.size(); i += 2) {
    const Point& a = mark.points[i];
    const Point& b = mark.points[i + 1];
    path += fmt::format("M{0},{1}H{2}V{3}H{0}z", px(panel.px(a.x)), px(panel.py(a.y)),
                        px(panel.px(b.x)), px(panel.py(b.y)));
  }
  return path;
}

std::string dashes(Dash dash) {
  if (dash == Dash::kSolid) return "";
  return dash == Dash::kDashed ? " stroke-dasharray=\"5,3\"" : " stroke-dasharray=\"1.5,3\"";
}

/// A mark as an element; empty where nothing of it lies in its panel.
std::string element_of(const Mark& mark, const std::string& path) {
  if (path.empty()) return "";
  std::string paint;
  if (mark.kind == MarkKind::kLine) {
    paint = fmt::format("fill=\"none\" stroke=\"{}\" stroke-width=\"{:g}\"{}", mark.ink.light,
                        mark.size, dashes(mark.dash));
    if (mark.opacity < 1.0) paint += fmt::format(" opacity=\"{:g}\"", mark.opacity);
  } else if (mark.kind == MarkKind::kBand) {
    paint = fmt::format("fill=\"{}\" fill-opacity=\"{:g}\"", mark.ink.light, mark.opacity);
  } else if (mark.kind == MarkKind::kBoxes) {
    paint = fmt::format("fill=\"{}\" shape-rendering=\"crispEdges\"", mark.ink.light);
  } else if (mark.filled) {
    paint = fmt::format("fill=\"{}\"", mark.ink.light);
  } else {
    paint = fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.1\"", ink::kGround.light,
                        mark.ink.light);
  }
  if (mark.name.empty()) return fmt::format("<path {} d=\"{}\"/>\n", paint, path);
  return fmt::format("<path {} d=\"{}\"><title>{}</title></path>\n", paint, path,
                     xml_text(mark.name));
}

std::string text_element(const Text& text) {
  std::string style;
  if (text.bold) style += " font-weight=\"bold\"";
  if (text.anchor != Anchor::kStart) {
    style += text.anchor == Anchor::kMiddle ? " text-anchor=\"middle\"" : " text-anchor=\"end\"";
  }
  return fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{:g}\" fill=\"{}\"{}>{}</text>\n",
                     px(text.x), px(text.y), text.size, text.ink.light, style, xml_text(text.text));
}

/// What each light colour of a figure is on a dark ground.
std::map<std::string, std::string> inks_of(const Figure& figure) {
  std::map<std::string, std::string> inks = {{ink::kGround.light, ink::kGround.dark}};
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) inks.emplace(mark.ink.light, mark.ink.dark);
  }
  for (const Text& text : figure.texts) inks.emplace(text.ink.light, text.ink.dark);
  return inks;
}

std::string dark_rules(const Figure& figure) {
  std::string rules;
  for (const auto& [light, dark] : inks_of(figure)) {
    rules += fmt::format("[fill=\"{0}\"]{{fill:{1}}}[stroke=\"{0}\"]{{stroke:{1}}}\n", light, dark);
  }
  return rules;
}

/// Where gnuplot's output for mark `index` begins; npos where it drew nothing.
std::size_t place_of(std::string_view drawn, std::size_t index) {
  return drawn.find(fmt::format("<title>m{}</title>", index));
}

}  // namespace

std::string in_dark(std::string svg) {
  const std::size_t at = svg.find(kDarkScheme);
  const std::size_t end = svg.find("}</style>", at);
  if (at == std::string::npos || end == std::string::npos) return svg;
  svg.erase(end, 1);
  return svg.erase(at, kDarkScheme.size());
}

std::string for_page(const Figure& figure, std::string svg, const std::string& scope) {
  constexpr std::string_view kOpen = "<style>";
  constexpr std::string_view kClose = "</style>\n";
  const std::size_t at = svg.find(kOpen);
  const std::size_t end = svg.find(kClose, at);
  if (at == std::string::npos || end == std::string::npos) return svg;
  std::string rules;
  for (const auto& [light, dark] : inks_of(figure)) {
    rules += fmt::format(
        "{0} [fill=\"{1}\"]{{fill:light-dark({1},{2})}}{0} "
        "[stroke=\"{1}\"]{{stroke:light-dark({1},{2})}}\n",
        scope, light, dark);
  }
  return svg.replace(at + kOpen.size(), end - at - kOpen.size(), rules);
}

std::string finished_svg(const Figure& figure, const std::string& drawn) {
  if (drawn.find("</svg>") == std::string::npos) {
    throw IoError(fmt::format("gnuplot gave no whole picture of {}", figure.name));
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"0 0 "
      "{0:g} {1:g}\" role=\"img\" font-family=\"{2}\">\n<title>{3}</title>\n<desc>{4}</desc>\n"
      "<style>{7}\n{5}}}</style>\n<rect width=\"{0:g}\" "
      "height=\"{1:g}\" fill=\"{6}\"/>\n",
      kWidth, figure.height, kFontFamily, xml_text(figure.title), xml_text(figure.summary),
      dark_rules(figure), ink::kGround.light, kDarkScheme);
  svg += "<g stroke-linejoin=\"round\">\n";
  std::size_t index = 0;
  for (const Panel& panel : figure.panels) {
    for (const Mark& mark : panel.marks) {
      const std::size_t at = place_of(drawn, index++);
      if (mark.kind == MarkKind::kBoxes) svg += element_of(mark, boxes_path(panel, mark));
      if (at == std::string::npos) continue;
      const std::size_t limit = drawn.find("<title>m", at + 1);
      svg += element_of(mark, path_of(mark, drawn, at, limit));
    }
  }
  svg += "</g>\n";
  for (const Text& text : figure.texts) svg += text_element(text);
  return svg + "</svg>\n";
}

}  // namespace recollect::plot
