#include "base/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

namespace recollect {
namespace {

namespace fs = std::filesystem;

constexpr double kKibi = 1024.0;

/// The number in a file that holds nothing else; none where it says "max" or is not there.
std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double value = 0.0;
  if (in >> value) return value;
  return std::nullopt;
}

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

/// What the limits of a group and of those around it leave. Inside a container the group's path
/// may be the host's: folders that are not there set no limit, the mount point itself does.
double left_by_groups(const fs::path& mount, const std::string& group, const GroupFiles& files) {
  double least = std::numeric_limits<double>::infinity();
  fs::path folder = (mount / fs::path(group).relative_path()).lexically_normal();
  while (true) {
    const auto limit = number_in(folder / files.limit);
    const auto usage = number_in(folder / files.usage);
    if (limit && usage) {
      const double cache = number_after(folder / "memory.stat", files.cache).value_or(0.0);
      least = std::min(least, *limit - std::max(0.0, *usage - cache));
    }
    if (folder == mount || !folder.has_relative_path()) return least;
    folder = folder.parent_path();
  }
}

double left_by_control_groups(const fs::path& root) {
  double least = std::numeric_limits<double>::infinity();
  const fs::path mount = root / "sys/fs/cgroup";
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, left_by_groups(mount, group, kVersion2));
    if (controllers == "memory") {
      least = std::min(least, left_by_groups(mount / "memory", group, kVersion1));
    }
  }
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
