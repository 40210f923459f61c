#include "base/cores.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "math/parallel.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

void put(const std::filesystem::path& file, const std::string& text) {
  make_folder(file.parent_path());
  write_file_atomically(file, text);
}

/// OMP_NUM_THREADS as long as it lives.
class ThreadsVariable {
 public:
  explicit ThreadsVariable(const char* value) {
    if (const char* const old = std::getenv(kName)) old_ = old;
    value == nullptr ? ::unsetenv(kName) : ::setenv(kName, value, 1);
  }
  ~ThreadsVariable() { old_ ? ::setenv(kName, old_->c_str(), 1) : ::unsetenv(kName); }
  ThreadsVariable(const ThreadsVariable&) = delete;
  ThreadsVariable& operator=(const ThreadsVariable&) = delete;

 private:
  static constexpr const char* kName = "OMP_NUM_THREADS";
  std::optional<std::string> old_;
};

}  // namespace

TEST_CASE("cores: the CPU quota of the groups around a process, in whole cores, at least one") {
  const ThreadsVariable none(nullptr);
  const TemporaryFolder root;
  const CoreBudget free = core_budget(root.path());
  CHECK(free.cores >= 1);
  if (free.cores < 2) return;  // nothing can be less
  constexpr const char* kQuota = "the CPU quota of the control group";

  SUBCASE("version 2") {
    put(root / "proc/self/cgroup", "0::/user/session\n");
    put(root / "sys/fs/cgroup/user/session/cpu.max", "max 100000\n");
    CHECK(core_budget(root.path()).cores == free.cores);
    put(root / "sys/fs/cgroup/user/cpu.max", "100000 100000\n");
    CHECK(core_budget(root.path()).cores == 1);
    CHECK(core_budget(root.path()).limited_by == kQuota);
    put(root / "sys/fs/cgroup/user/session/cpu.max", "20000 100000\n");
    CHECK(core_budget(root.path()).cores == 1);
    put(root / "sys/fs/cgroup/user/session/cpu.max", "99999999 1000\n");
    put(root / "sys/fs/cgroup/user/cpu.max", "max 100000\n");
    CHECK(core_budget(root.path()).cores == free.cores);
    CHECK(core_budget(root.path()).limited_by == free.limited_by);
  }
  SUBCASE("version 1, whose controller has company") {
    put(root / "proc/self/cgroup", "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n");
    put(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    CHECK(core_budget(root.path()).cores == free.cores);
    put(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "110000\n");
    CHECK(core_budget(root.path()).cores == 1);
    CHECK(core_budget(root.path()).limited_by == kQuota);
  }
}

TEST_CASE("cores: OMP_NUM_THREADS counts where it is a number and the least") {
  const TemporaryFolder root;
  const auto cores_with = [&](const char* value) {
    const ThreadsVariable variable(value);
    return core_budget(root.path());
  };
  const CoreBudget free = cores_with(nullptr);
  CHECK(cores_with("1").cores == 1);
  CHECK(cores_with("1,4").cores == 1);
  if (free.cores > 1) CHECK(cores_with("1").limited_by == "OMP_NUM_THREADS");
  for (const char* value : {"100000", "0", "-1", "all", "1x", ""}) {
    CAPTURE(value);
    CHECK(cores_with(value).cores == free.cores);
    CHECK(cores_with(value).limited_by == free.limited_by);
  }
}

TEST_CASE("cores: a team has as many threads as can be created") {
  CHECK(team_size(1) == 1);
  CHECK(team_size(3) == 3);
  CHECK(team_size(2) == 2);
  CHECK(team_size(5) == 5);
}

}  // namespace recollect
