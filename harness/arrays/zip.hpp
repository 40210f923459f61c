#pragma once

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

/// The entries of an archive, unpacked, whose sizes add up to `limit` bytes at most. `path` is for
/// messages.
/// @throws IoError with the path and what is wrong, also where a checksum does not fit
[[nodiscard]] std::deque<ZipEntry> parse_zip(std::string_view file,
                                             const std::filesystem::path& path,
                                             std::uint64_t limit);

}  // namespace recollect
