#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace recollect {

/// What TensorBoard draws: numbers at a step, each under its tag.
struct ScalarEvent {
  std::int64_t step = 0;
  std::vector<std::pair<std::string, double>> scalars;
};

/// The bytes of an event file, as TensorBoard reads it: a record that names the format, then one
/// for each event. Numbers are rounded to single precision, which is all that the format has. The
/// time of every event is 0, so the same events give the same bytes.
[[nodiscard]] std::string event_file(const std::vector<ScalarEvent>& events);

}  // namespace recollect
