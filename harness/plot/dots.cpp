#include "harness/plot/dots.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

namespace recollect::plot {
namespace {

struct Corner {
  double x, y;
};
std::vector<Corner> corners_of(Marker marker) {
  switch (marker) {
    case Marker::kCircle:
      return {};
    case Marker::kTriangleUp:
      return {{0, -1.3}, {1.15, 0.8}, {-1.15, 0.8}};
    case Marker::kDiamond:
      return {{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}};
    case Marker::kSquare:
      return {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}};
    case Marker::kTriangleDown:
      return {{0, 1.3}, {1.15, -0.8}, {-1.15, -0.8}};
    case Marker::kPentagon:
      return {{0, -1.15}, {1.09, -0.36}, {0.68, 0.93}, {-0.68, 0.93}, {-1.09, -0.36}};
  }
  return {};
}

}  // namespace

std::string px(double value) {
  const double tenths = std::round(value * 10.0) / 10.0;
  return fmt::format("{:g}", tenths == 0.0 ? 0.0 : tenths);
}

std::string dot_path(Marker marker, double radius, Point at) {
  const double r = radius;
  if (marker == Marker::kCircle) {
    return fmt::format("M{},{}a{r},{r} 0 1 0 {d},0a{r},{r} 0 1 0 -{d},0z", px(at.x - r), px(at.y),
                       fmt::arg("r", px(r)), fmt::arg("d", px(2 * r)));
  }
  std::string path;
  for (const Corner& corner : corners_of(marker)) {
    path += fmt::format("{}{},{}", path.empty() ? "M" : " ", px(at.x + corner.x * r),
                        px(at.y + corner.y * r));
  }
  return path + "z";
}

}  // namespace recollect::plot
