#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace recollect {

/// Writes `bytes` to `named` so that a reader, or the next run after a crash, finds either the old
/// file or the whole new one: a temporary name in the same folder, fsync, rename, fsync of the
/// folder. For tests that kill a program inside a write, the environment variable
/// RECOLLECT_TEST_PAUSE_IN_WRITE_MS makes it wait that many milliseconds before the new name is
/// given. Where `named` is a link, its target is written; a device or a pipe is written to as it
/// is.
/// @throws IoError with the path and the system's reason; the temporary file is gone then
void write_file_atomically(const std::filesystem::path& named, std::string_view bytes);

/// Does nothing where it is not there. @throws IoError
void remove_file(const std::filesystem::path& path);

/// Takes away what writers of `file` in this folder left when they were killed. Only where nobody
/// writes it now.
void remove_leftovers(const std::filesystem::path& folder, const std::string& file);

/// The largest file that is read where its reader knows no tighter bound: 16 GiB; of text, 64 MiB.
inline constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 34;
inline constexpr std::uint64_t kLargestText = std::uint64_t{1} << 26;

/// The whole file. Folders, pipes and devices are refused: one of them may never end.
/// @param limit  bytes; a larger file is refused before it is read
/// @param kind   what the file should be, for the message: "configuration"
/// @throws IoError with the path and the system's reason, or with size and limit
[[nodiscard]] std::string read_file(const std::filesystem::path& path,
                                    std::uint64_t limit = kLargestFile,
                                    std::string_view kind = "file of this kind");

/// @throws IoError where the answer cannot be had, e.g. for want of permission
[[nodiscard]] bool file_exists(const std::filesystem::path& path);

/// Fails where make_folder() would, or where nothing could be written into the folder; makes
/// nothing. @throws IoError with the path and the system's reason
void check_folder(const std::filesystem::path& path);

/// Makes a folder and those above it. @throws IoError where one of them is a file or not writable
void make_folder(const std::filesystem::path& path);

}  // namespace recollect
