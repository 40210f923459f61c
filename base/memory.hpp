#pragma once

#include <filesystem>
#include <string>

namespace recollect {

/// Memory that this process may still take.
struct AvailableMemory {
  double bytes = 0.0;
  std::string bound_by;  ///< what sets the bound, e.g. "free memory of this machine"
};

/// The least of: the machine's free memory (MemAvailable); what the memory limits of the control
/// groups around this process leave (version 2 or 1; file cache that can be given up counts as
/// free); what `ulimit -v` leaves. Infinite where the system reports none of them.
/// @param root  where /proc and /sys are found
[[nodiscard]] AvailableMemory available_memory(const std::filesystem::path& root = "/");

/// "312 MiB", "3.4 GiB".
[[nodiscard]] std::string memory_text(double bytes);

}  // namespace recollect
