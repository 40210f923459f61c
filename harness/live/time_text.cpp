#include "harness/live/time_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace recollect::live {

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  const std::int64_t minutes = whole / 60;
  constexpr std::int64_t kDay = 1440;
  if (minutes < kDay) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  return fmt::format("{}d{:02}h", minutes / kDay, minutes / 60 % 24);
}

std::string rough_duration_text(double seconds) {
  if (seconds < 600.0 || seconds > 3540.0) return duration_text(seconds);
  return fmt::format("{}m", static_cast<std::int64_t>(std::ceil(seconds / 60.0)));
}

}  // namespace recollect::live
