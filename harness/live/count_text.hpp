#pragma once

#include <cstdint>
#include <string>

namespace recollect::live {

/// "1,234,567"
[[nodiscard]] std::string count_text(std::int64_t count);

}  // namespace recollect::live
