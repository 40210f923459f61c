#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/text.hpp"  // with_commas
#include "harness/stats/statistics.hpp"

namespace recollect::plot {

// Numbers as pictures write them.

[[nodiscard]] std::string short_count(double value);   ///< "500", "2k", "1.5k"
[[nodiscard]] std::string binary_count(double value);  ///< "512", "8k", "1.5M": 1k = 1,024
[[nodiscard]] std::string percent(double share, int decimals = 0);  ///< "3.1 %"
[[nodiscard]] std::string threshold(double share);  ///< "99 %", "99.5 %": as exact as it is
[[nodiscard]] std::string percent_range(const Interval& shares);  ///< "64–95 %"
/// A median step: "4,300"; ">6,000" where fewer than half of the runs were through by then.
[[nodiscard]] std::string step_or_later(const std::optional<double>& median, double limit);

}  // namespace recollect::plot
