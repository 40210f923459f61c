#include "harness/plot/process.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/error.hpp"

namespace recollect::plot {
namespace {

[[noreturn]] void refuse(const std::string& what, int code) {
  throw IoError(fmt::format("{}: {}", what, std::generic_category().message(code)), code);
}

/// A file without a name: unlike a pipe it never blocks, so no program can wait for another.
class NamelessFile {
 public:
  NamelessFile() : descriptor_(::memfd_create("recollect-plot", MFD_CLOEXEC)) {
    if (descriptor_ < 0) refuse("cannot make a file in memory", errno);
  }
  ~NamelessFile() { ::close(descriptor_); }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  void fill(const std::string& bytes) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ::ssize_t wrote = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
      if (wrote < 0) refuse("cannot write to a file in memory", errno);
      done += static_cast<std::size_t>(wrote);
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }

  [[nodiscard]] std::string text() const {
    ::lseek(descriptor_, 0, SEEK_SET);
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ::ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
      if (got < 0) refuse("cannot read a file in memory", errno);
      if (got == 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_;
};

/// 0, or the reason why it could not be started.
int spawn(const std::vector<std::string>& command, const std::array<const NamelessFile*, 3>& files,
          ProgramEnvironment whole, ::pid_t& child) {
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; ++i) {
    ::posix_spawn_file_actions_adddup2(&actions, files[static_cast<std::size_t>(i)]->descriptor(),
                                       i);
  }
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<std::string> settings = {"LC_ALL=C"};
  for (const char* name : {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "FONTCONFIG_FILE"}) {
    if (const char* value = std::getenv(name))
      settings.push_back(fmt::format("{}={}", name, value));
  }
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);
  const int failed =
      ::posix_spawnp(&child, command.front().c_str(), &actions, nullptr, arguments.data(),
                     whole == ProgramEnvironment::kWhole ? ::environ : environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  return failed;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command, const std::string& input,
                          ProgramEnvironment environment) {
  const NamelessFile in, out, errors;
  in.fill(input);
  ::pid_t child = 0;
  const int failed = spawn(command, {&in, &out, &errors}, environment, child);
  ProcessResult result;
  if (failed == ENOENT || failed == EACCES || failed == ENOTDIR) {
    result.found = false;
    return result;
  }
  if (failed != 0) refuse(fmt::format("cannot start {}", command.front()), failed);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) refuse(fmt::format("cannot wait for {}", command.front()), errno);
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = out.text();
  result.errors = errors.text();
  return result;
}

}  // namespace recollect::plot
