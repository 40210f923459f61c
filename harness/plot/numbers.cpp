#include "harness/plot/numbers.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"

namespace recollect::plot {

std::string short_count(double value) {
  if (std::abs(value) < 1000.0) return fmt::format("{:g}", value);
  if (std::abs(value) < 1e6) return fmt::format("{:g}k", value / 1000.0);
  return fmt::format("{:g}M", value / 1e6);
}

std::string binary_count(double value) {
  constexpr double kKilo = 1024.0;
  if (value < kKilo) return fmt::format("{:g}", value);
  if (value < kKilo * kKilo) return fmt::format("{:g}k", value / kKilo);
  return fmt::format("{:g}M", value / kKilo / kKilo);
}

std::string percent(double share, int decimals) {
  return fmt::format("{:.{}f} %", share * 100.0, decimals);
}

std::string threshold(double share) { return fmt::format("{:g} %", share * 100.0); }

std::string percent_range(const Interval& shares) {
  return fmt::format("{:.0f}–{:.0f} %", shares.low * 100.0, shares.high * 100.0);
}

std::string step_or_later(const std::optional<double>& median, double limit) {
  if (median) return with_commas(std::llround(*median));
  return fmt::format(">{}", with_commas(std::llround(limit)));
}

}  // namespace recollect::plot
