#include "harness/plot/figure.hpp"

#include <cmath>

#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

double fraction(const Axis& axis, double value) {
  if (axis.scale == Scale::kLinear) return (value - axis.low) / (axis.high - axis.low);
  return std::log(value / axis.low) / std::log(axis.high / axis.low);
}

constexpr double kTextWidth = kWidth - 2 * kMargin;
constexpr double kCaptionSize = 12.0;

}  // namespace

double Panel::px(double value) const { return left + fraction(x, value) * (right - left); }
double Panel::py(double value) const { return bottom - fraction(y, value) * (bottom - top); }

double Figure::add_heading(const std::string& how_to_read) {
  reading = how_to_read;
  double at = 28.0;
  add({kMargin, at, shortened(title, kTextWidth, kTitleSize, true), kTitleSize, ink::kText,
       Anchor::kStart, true});
  at += 5.0;
  for (const std::string& line : wrapped_lines(reading, kTextWidth, kReadingSize)) {
    at += 18.0;
    add({kMargin, at, line, kReadingSize, ink::kMuted});
  }
  return at;
}

void Figure::add_caption(double top, const std::string& text) {
  caption = text;
  double at = top + 8.0;
  for (const std::string& line : wrapped_lines(caption, kTextWidth, kCaptionSize)) {
    at += 16.0;
    add({kMargin, at, line, kCaptionSize, ink::kMuted});
  }
  height = std::ceil(at + 14.0);
}

}  // namespace recollect::plot
