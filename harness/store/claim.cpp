#include "harness/store/claim.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace recollect {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{20};

[[noreturn]] void fail(const std::filesystem::path& file, int code) {
  throw IoError(
      fmt::format("cannot lock {}: {}", file.string(), std::generic_category().message(code)));
}

/// flock(); for tests, the environment variable RECOLLECT_TEST_FLOCK_ERRNO makes it fail.
int lock(int descriptor) {
  if (const char* const text = std::getenv("RECOLLECT_TEST_FLOCK_ERRNO")) {
    errno = std::atoi(text);
    return -1;
  }
  return ::flock(descriptor, LOCK_EX | LOCK_NB);
}

/// An owner removes its file when it is done: whoever had opened it by then holds the lock of a
/// file that nobody else can find.
bool still_there(int descriptor, const std::filesystem::path& file) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(descriptor, &mine) == 0 && ::stat(file.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

void write_owner(int descriptor) {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("process {} on {}\n", ::getpid(), host.data());
  // For people; the lock is what counts.
  if (::ftruncate(descriptor, 0) == 0) (void)!::write(descriptor, text.data(), text.size());
}

}  // namespace

std::optional<Claim> Claim::try_take(const std::filesystem::path& file) {
  while (true) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) fail(file, errno);
    if (lock(descriptor) == 0) {
      if (still_there(descriptor, file)) {
        write_owner(descriptor);
        return Claim(file, descriptor, 0);
      }
      ::close(descriptor);
      continue;
    }
    const int code = errno;
    if (code == EINTR) {
      ::close(descriptor);
      continue;
    }
    // Network file systems answer with what their servers or the kernel make of it: ENOLCK, ENOSYS,
    // EOPNOTSUPP, EIO, ESTALE, EINVAL, autofs 524 (ENOTSUPP), which no header names.
    if (code != EWOULDBLOCK) return Claim(file, descriptor, code);
    ::close(descriptor);
    return std::nullopt;
  }
}

Claim Claim::take(const std::filesystem::path& file) {
  while (true) {
    if (std::optional<Claim> claim = try_take(file)) return std::move(*claim);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

std::string Claim::owner(const std::filesystem::path& file) {
  try {
    std::string text = read_file(file);
    if (text.ends_with('\n')) {
      text.pop_back();
      return one_line(text);
    }
  } catch (const IoError&) {  // it has just been released
  }
  return "another process";
}

std::string Claim::why_not_exclusive() const {
  // What no header names has no text either, "Unknown error 524".
  return lock_error_ == 0 ? "" : std::generic_category().message(lock_error_);
}

Claim::Claim(Claim&& other) noexcept
    : file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      lock_error_(other.lock_error_) {}

Claim::~Claim() {
  if (descriptor_ < 0) return;
  ::unlink(file_.c_str());  // while it is locked, so that it is ours
  ::close(descriptor_);
}

std::filesystem::path cell_claim(const std::filesystem::path& out, const std::string& hash) {
  return out / "claims" / hash;
}

}  // namespace recollect
