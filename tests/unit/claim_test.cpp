#include "harness/store/claim.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

using namespace std::chrono_literals;

/// A process that is ended with the test.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) kill();
  }
  /// Exit status, or minus the signal.
  int wait() {
    int code = 0;
    REQUIRE(::waitpid(std::exchange(pid_, -1), &code, 0) > 0);
    return WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code);
  }
  int kill() {
    ::kill(pid_, SIGKILL);
    return wait();
  }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_;
};

/// The program, running; its stderr goes to `log`.
Child start(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  // More threads than cores: they must not spin while they wait for each other.
  std::vector<std::string> words{"/usr/bin/env", "OMP_WAIT_POLICY=passive", program().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int err = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int out = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(err >= 0);
  REQUIRE(out >= 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(err, STDERR_FILENO) >= 0) {
      ::execv(pointers[0], pointers.data());
    }
    ::_exit(127);
  }
  ::close(err);
  ::close(out);
  REQUIRE(pid > 0);
  return Child(pid);
}

/// Every file below a folder but the provenance, and its bytes.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "provenance.yaml") continue;
    files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// How often cells were trained, by their provenance.
std::size_t trainings(const std::filesystem::path& out) {
  std::size_t all = 0;
  for (const auto& cell : std::filesystem::directory_iterator(out / "cells")) {
    all += count(read_file(cell.path() / "provenance.yaml"), "- training: ");
  }
  return all;
}

template <class Condition>
bool soon(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Eight cells of some tens of milliseconds.
std::filesystem::path write_config(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder / "shared.yaml";
  write_file_atomically(path, R"(experiment: shared
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, adaptive-decay]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 100, eval_every: 50}
eval: {lengths: [16], examples: 20}
seeds: [0, 1, 2, 3]
)");
  return path;
}

constexpr std::size_t kCells = 8;

}  // namespace

TEST_CASE("claim: one owner at a time, whose file goes away with it") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "claim";
  {
    const std::optional<Claim> first = Claim::try_take(file);
    REQUIRE(first.has_value());
    CHECK(first->exclusive());
    CHECK_FALSE(Claim::try_take(file).has_value());
    CHECK(Claim::owner(file).starts_with(fmt::format("process {} on ", ::getpid())));
    CHECK(Claim::try_take(folder / "other").has_value());
  }
  CHECK_FALSE(file_exists(file));
  CHECK(Claim::owner(file) == "another process");
  CHECK(Claim::try_take(file).has_value());
  CHECK_THROWS_AS((void)Claim::try_take(folder / "no" / "folder"), IoError);
}

TEST_CASE("claim: waits until it is free, and is exclusive among threads that come and go") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "claim";
  // Atomic for the thread sanitizer alone, which knows nothing of locks on files.
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  const auto work = [&] {
    for (int i = 0; i < 50; ++i) {
      const Claim claim = Claim::take(file);
      most = std::max(most.load(), ++inside);
      std::this_thread::sleep_for(100us);
      --inside;
      ++done;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(done == 200);
}

TEST_CASE("claim: a process that was killed holds it no longer") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "claim";
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::optional<Claim> claim = Claim::try_take(file);
    while (claim) ::pause();
    ::_exit(1);
  }
  Child child(pid);
  REQUIRE(soon([&] { return Claim::owner(file).starts_with(fmt::format("process {} on ", pid)); }));
  CHECK_FALSE(Claim::try_take(file).has_value());
  CHECK(child.kill() == -SIGKILL);
  CHECK(file_exists(file));
  CHECK(Claim::try_take(file).has_value());
}

TEST_CASE("claim: four processes on one folder do each cell once, with the same bytes as one") {
  const TemporaryFolder folder;
  const std::filesystem::path config = write_config(folder);
  const std::filesystem::path alone = folder / "alone";
  const std::filesystem::path shared = folder / "shared";
  CHECK(start({"run", config, "--jobs", "1", "--out", alone}, folder / "log").wait() == 0);
  std::vector<Child> processes;
  for (int i = 0; i < 4; ++i) {
    processes.push_back(start({"run", config, "--jobs", i == 0 ? "2" : "1", "--out", shared},
                              folder / fmt::format("log{}", i)));
  }
  std::size_t elsewhere = 0;
  std::size_t here = 0;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    CHECK(processes[i].wait() == 0);
    const std::string log = read_file(folder / fmt::format("log{}", i));
    CAPTURE(log);
    elsewhere += count(log, " by another process");
    here += count(log, " steps, ");
    CHECK(count(log, "recollect: ") == 0);
  }
  CHECK(here == kCells);
  CHECK(elsewhere > 0);
  CHECK(trainings(shared) == kCells);
  CHECK(files_of(shared) == files_of(alone));
}

TEST_CASE("claim: where one of four processes is killed, the others do its cells") {
  const TemporaryFolder folder;
  const std::filesystem::path config = write_config(folder);
  const std::filesystem::path alone = folder / "alone";
  const std::filesystem::path shared = folder / "shared";
  CHECK(start({"run", config, "--jobs", "1", "--out", alone}, folder / "log").wait() == 0);
  std::vector<Child> processes;
  for (int i = 0; i < 4; ++i) {
    processes.push_back(
        start({"run", config, "--jobs", "1", "--out", shared}, folder / fmt::format("log{}", i)));
  }
  // While it has a cell that it has begun.
  const std::string victim = fmt::format("process {} on ", processes.back().pid());
  REQUIRE(soon([&] {
    std::error_code none_yet;
    for (const auto& claim : std::filesystem::directory_iterator(shared / "claims", none_yet)) {
      if (Claim::owner(claim.path()).starts_with(victim) &&
          std::filesystem::exists(shared / "cells" / claim.path().filename(), none_yet)) {
        return true;
      }
    }
    return false;
  }));
  CHECK(processes.back().kill() == -SIGKILL);
  processes.pop_back();
  for (Child& process : processes) CHECK(process.wait() == 0);
  CHECK(trainings(shared) == kCells);
  CHECK(files_of(shared) == files_of(alone));
}

TEST_CASE("claim: shards are disjoint, and together all of the experiment") {
  const TemporaryFolder folder;
  const std::filesystem::path config = write_config(folder);
  const std::filesystem::path alone = folder / "alone";
  const std::filesystem::path parts = folder / "parts";
  CHECK(start({"run", config, "--out", alone}, folder / "log").wait() == 0);
  std::vector<Child> processes;
  for (int i = 1; i <= 3; ++i) {
    processes.push_back(start({"run", config, "--out", parts, "--shard", fmt::format("{}/3", i)},
                              folder / fmt::format("log{}", i)));
  }
  for (std::size_t i = 0; i < processes.size(); ++i) {
    CHECK(processes[i].wait() == 0);
    const std::string log = read_file(folder / fmt::format("log{}", i + 1));
    CAPTURE(log);
    CHECK(count(log, " steps, ") == (i < 2 ? 3 : 2));
    CHECK(count(log, "another process") == 0);
  }
  CHECK(trainings(parts) == kCells);
  CHECK(files_of(parts) == files_of(alone));
}

TEST_CASE("claim: where the file system fails to lock, everybody may work, and can say why") {
  const TemporaryFolder folder;
  // EIO, ENOLCK, ENOSYS, EOPNOTSUPP, ESTALE, and autofs's, which no header names.
  for (const char* code : {"5", "37", "38", "95", "116", "524"}) {
    CAPTURE(code);
    ::setenv("RECOLLECT_TEST_FLOCK_ERRNO", code, 1);
    const std::optional<Claim> first = Claim::try_take(folder / "claim");
    const std::optional<Claim> second = Claim::try_take(folder / "claim");
    ::unsetenv("RECOLLECT_TEST_FLOCK_ERRNO");
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK_FALSE(first->exclusive());
    CHECK_FALSE(first->why_not_exclusive().empty());
  }
  CHECK(Claim::take(folder / "claim").why_not_exclusive().empty());
}

}  // namespace recollect
