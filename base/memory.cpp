#include "base/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include "base/control_groups.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;

constexpr double kKibi = 1024.0;

/// The number after `name` in a file of lines "name number".
std::optional<double> number_after(const fs::path& file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.size() <= name.size() || !line.starts_with(name)) continue;
    try {
      return std::stod(line.substr(name.size()));
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

/// How one version of control groups names its files.
struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* cache;  // in memory.stat
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file "};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file "};

/// What the limits of the process's groups leave.
double left_by_control_groups(const fs::path& root) {
  double least = std::numeric_limits<double>::infinity();
  for_each_control_group(root, "memory", [&](const fs::path& folder, int version) {
    const GroupFiles& files = version == 2 ? kVersion2 : kVersion1;
    const auto limit = number_in(folder / files.limit);
    const auto usage = number_in(folder / files.usage);
    if (!limit || !usage) return;
    const double cache = number_after(folder / "memory.stat", files.cache).value_or(0.0);
    least = std::min(least, *limit - std::max(0.0, *usage - cache));
  });
  return least;
}

double left_of_address_space(const fs::path& root) {
  rlimit limit{};
  const auto pages = number_in(root / "proc/self/statm");  // its first number: all that is mapped
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || !pages) {
    return std::numeric_limits<double>::infinity();
  }
  return static_cast<double>(limit.rlim_cur) -
         *pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

AvailableMemory available_memory(const fs::path& root) {
  AvailableMemory least{std::numeric_limits<double>::infinity(), "nothing"};
  const auto consider = [&](double bytes, const char* bound_by) {
    if (bytes < least.bytes) least = {std::max(0.0, bytes), bound_by};
  };
  if (const auto free = number_after(root / "proc/meminfo", "MemAvailable:")) {
    consider(*free * kKibi, "free memory of this machine");
  }
  consider(left_by_control_groups(root), "memory limit of the control group");
  consider(left_of_address_space(root), "limit of the address space, ulimit -v");
  return least;
}

std::string memory_text(double bytes) {
  constexpr double kMebi = 1024.0 * 1024.0;
  constexpr double kGibi = 1024.0 * kMebi;
  return bytes < kGibi ? fmt::format("{:.0f} MiB", bytes / kMebi)
                       : fmt::format("{:.1f} GiB", bytes / kGibi);
}

}  // namespace recollect
