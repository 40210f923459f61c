#pragma once

#include <string>

namespace recollect::live {

/// "45s", "2m10s", "3h05m", "2d04h"; rounded up.
[[nodiscard]] std::string duration_text(double seconds);

/// The same for a duration that is an estimate: from ten minutes on without seconds.
[[nodiscard]] std::string rough_duration_text(double seconds);

}  // namespace recollect::live
