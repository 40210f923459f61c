#include "base/crc32c.hpp"

#include <boost/crc.hpp>

namespace recollect {

std::uint32_t crc32c(std::string_view bytes) noexcept {
  constexpr std::uint32_t kCastagnoli = 0x1edc6f41;
  constexpr std::uint32_t kOnes = 0xffffffff;
  constexpr bool kReflected = true;
  boost::crc_optimal<32, kCastagnoli, kOnes, kOnes, kReflected, kReflected> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace recollect
