#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

// Zip archives, by libzip: NumPy writes them with 64-bit sizes, and compressed by savez_compressed.

struct ZipEntry {
  std::string name;
  std::string bytes;
};

/// An archive of these entries, in their order, stored without compression, all of 1 January 1980:
/// equal entries give equal bytes.
[[nodiscard]] std::string encode_zip(const std::deque<ZipEntry>& entries);

/// The most that is unpacked of an archive, of which a small one may hold more than the machine
/// does.
struct UnpackLimit {
  std::uint64_t bytes = 0;
  std::string says;  ///< "the 3.1 GiB of free memory of this machine"
};

/// The entries of an archive, unpacked. What its directory says of their sizes takes no memory
/// until the bytes are there. Names are texts of UTF-8 and may be any, also such as lead out of a
/// folder. `path` is for messages.
/// @throws IoError with the path and what is wrong, also where a checksum does not fit, where the
/// sizes add up to more than the limit, and where an entry is neither stored nor deflated
[[nodiscard]] std::deque<ZipEntry> parse_zip(std::string_view file,
                                             const std::filesystem::path& path,
                                             const UnpackLimit& limit);

}  // namespace recollect
