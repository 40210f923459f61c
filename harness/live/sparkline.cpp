#include "harness/live/sparkline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace recollect::live {
namespace {

constexpr std::size_t kHeights = 8;
constexpr std::array<std::string_view, kHeights> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, kHeights> kLetters{"_", ".", ":", "-", "=", "+", "*", "#"};

std::size_t height_of(double accuracy, double solve_at) {
  if (accuracy >= solve_at) return kHeights - 1;
  if (!(accuracy > 0.0)) return 0;  // no number is no height
  const double share = accuracy / solve_at * static_cast<double>(kHeights - 1);
  return std::min(kHeights - 2, static_cast<std::size_t>(share));
}

}  // namespace

std::string sparkline(const Curve& curve, std::size_t length, bool utf8) {
  if (length == 0) return "";
  const std::size_t parts = utf8 ? length : length > 2 ? length - 2 : 1;
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, curve.steps));
  const auto part_of = [&](std::int64_t step) {
    return static_cast<double>(step) / steps * static_cast<double>(parts);
  };
  // A part counts once it is complete, or has an evaluation: the last one is always seen.
  const std::int64_t evaluated = curve.points.empty() ? 0 : curve.points.back().step;
  const double parts_behind =
      std::max(std::floor(part_of(curve.step)), std::ceil(part_of(evaluated) - 1e-9));
  const auto behind =
      static_cast<std::size_t>(std::clamp(parts_behind, 0.0, static_cast<double>(parts)));
  std::string text = utf8 ? "" : "[";
  std::size_t next = 0;
  double accuracy = 0.0;
  for (std::size_t part = 0; part < parts; ++part) {
    if (part >= behind) {
      text += utf8 ? "·" : " ";
      continue;
    }
    const auto end = static_cast<double>(part + 1) + 1e-9;
    while (next < curve.points.size() && part_of(curve.points[next].step) <= end) {
      accuracy = curve.points[next++].accuracy;
    }
    text += (utf8 ? kBlocks : kLetters).at(height_of(accuracy, curve.solve_at));
  }
  if (!utf8) text += "]";
  return text;
}

std::string bar(double share, std::size_t length, bool utf8) {
  const auto filled = static_cast<std::size_t>(
      std::floor(std::clamp(share, 0.0, 1.0) * static_cast<double>(length) + 1e-9));
  std::string text;
  for (std::size_t i = 0; i < length; ++i) {
    text += i < filled ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
  }
  return text;
}

}  // namespace recollect::live
