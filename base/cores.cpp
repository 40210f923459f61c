#include "base/cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/control_groups.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;

/// Cores of the process's affinity; 0 where it cannot be had.
int cores_of_affinity() {
  for (int size = 1024; size <= (1 << 20); size *= 2) {  // the kernel's set may be larger
    cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(size));
    if (set == nullptr) return 0;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return count;
  }
  return 0;
}

/// The quota of one group in cores; none where it has none.
std::optional<double> quota_of(const fs::path& folder, int version) {
  std::optional<double> quota;
  std::optional<double> period;
  if (version == 2) {
    std::ifstream in(folder / "cpu.max");  // "50000 100000", "max 100000"
    double first = 0.0;
    double second = 0.0;
    if (in >> first >> second) {
      quota = first;
      period = second;
    }
  } else {
    quota = number_in(folder / "cpu.cfs_quota_us");  // -1: none
    period = number_in(folder / "cpu.cfs_period_us");
  }
  if (!quota || !period || *quota <= 0.0 || *period <= 0.0) return std::nullopt;
  return *quota / *period;
}

/// The first number of OMP_NUM_THREADS, "4" or "4,2"; none where it is no positive number.
std::optional<int> cores_of_environment() {
  const char* const text = std::getenv("OMP_NUM_THREADS");
  if (text == nullptr) return std::nullopt;
  std::string_view rest(text);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  int number = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const std::string_view left(read.ptr, static_cast<std::size_t>(rest.end() - read.ptr));
  const bool ends = left.empty() || left.front() == ',' || left.front() == ' ';
  return read.ec == std::errc() && ends && number > 0 ? std::optional(number) : std::nullopt;
}

}  // namespace

CoreBudget core_budget(const fs::path& root) {
  CoreBudget budget{std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))), ""};
  const auto consider = [&](int cores, const char* what) {
    if (cores > 0 && cores < budget.cores) budget = {cores, what};
  };
  consider(cores_of_affinity(), "the CPU affinity of this process");
  for_each_control_group(root, "cpu", [&](const fs::path& folder, int version) {
    if (const auto quota = quota_of(folder, version)) {
      constexpr double kMost = 1e6;
      consider(std::max(1, static_cast<int>(std::lround(std::min(*quota, kMost)))),
               "the CPU quota of the control group");
    }
  });
  consider(cores_of_environment().value_or(0), "OMP_NUM_THREADS");
  return budget;
}

}  // namespace recollect
