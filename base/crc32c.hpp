#pragma once

#include <cstdint>
#include <string_view>

namespace recollect {

/// The 32-bit cyclic redundancy check of Castagnoli (RFC 3720, appendix B.4).
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes) noexcept;

}  // namespace recollect
