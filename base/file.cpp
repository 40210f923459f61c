#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

/// A file descriptor that is closed on every way out.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  /// Some file systems report a full disk only here.
  [[nodiscard]] bool close() {
    const int value = value_;
    value_ = -1;
    return ::close(value) == 0;
  }

 private:
  int value_;
};

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A test hook; see write_file_atomically().
void pause_for_tests() {
  const char* text = std::getenv("RECOLLECT_TEST_PAUSE_IN_WRITE_MS");
  if (text == nullptr) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(text)));
}

bool write_and_flush(const std::string& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0 || !write_all(file.get(), bytes) || ::fsync(file.get()) != 0) return false;
  pause_for_tests();
  return file.close();
}

}  // namespace

void write_file_atomically(const std::filesystem::path& named, std::string_view bytes) {
  // A link stays one, and a device or a pipe is written to, not replaced.
  std::error_code none;
  const bool link = std::filesystem::is_symlink(named, none);
  const std::filesystem::path path = link ? std::filesystem::weakly_canonical(named, none) : named;
  if (std::filesystem::is_other(path, none)) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0 || !write_all(file.get(), bytes) || !file.close()) {
      throw IoError(fmt::format("cannot write {}: {}", path.string(), reason(errno)), errno);
    }
    return;
  }
  static std::atomic<unsigned> counter{0};
  // In containers, many processes of one number may write to one folder.
  static const unsigned process = std::random_device{}();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const std::string temporary =
      (folder / fmt::format(".{}.{:08x}.{}.tmp", path.filename().string(), process, counter++))
          .string();
  if (!write_and_flush(temporary, bytes) || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    throw IoError(fmt::format("cannot write {}: {}", path.string(), reason(code)), code);
  }
  // The new name itself must survive a power cut; not every file system can flush a folder.
  const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) ::fsync(parent.get());
}

namespace {

/// Whether write_file_atomically() or FolderReplacement gave this name to what is to become `file`;
/// ".FILE.1a2b3c4d.0.tmp", ".FILE.1a2b3c4d.tmp".
bool is_leftover(std::string_view name, std::string_view file) {
  constexpr std::string_view kEnd = ".tmp";
  if (!name.starts_with('.') || !name.ends_with(kEnd)) return false;
  name = name.substr(1, name.size() - 1 - kEnd.size());
  if (!name.starts_with(file) || !name.substr(file.size()).starts_with('.')) return false;
  // "a.b" is another file than "a": what follows is a number alone.
  constexpr std::size_t kHexDigits = 8;
  const std::string_view number = name.substr(file.size() + 1);
  const std::string_view count = number.substr(std::min(kHexDigits, number.size()));
  return number.size() >= kHexDigits &&
         number.substr(0, kHexDigits).find_first_not_of("0123456789abcdef") ==
             std::string_view::npos &&
         (count.empty() || (count.starts_with('.') &&
                            count.find_first_not_of("0123456789", 1) == std::string_view::npos));
}

}  // namespace

void remove_leftovers(const std::filesystem::path& folder, const std::string& file) {
  std::error_code error;
  std::vector<std::filesystem::path> leftovers;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_leftover(entry->path().filename().string(), file)) leftovers.push_back(entry->path());
  }
  for (const std::filesystem::path& leftover : leftovers) {
    std::filesystem::remove_all(leftover, error);  // a folder, of FolderReplacement
  }
}

void remove_file(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) {
    throw IoError(fmt::format("cannot remove {}: {}", path.string(), error.message()),
                  error.value());
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit,
                      std::string_view kind) {
  const auto fail = [&](const std::string& why) {
    throw IoError(fmt::format("cannot read {}: {}", printable(path.string(), kWhole), why));
  };
  // Without O_NONBLOCK, opening a pipe waits until somebody writes into it.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) fail(reason(errno));
  if (S_ISDIR(info.st_mode)) fail(reason(EISDIR));
  if (!S_ISREG(info.st_mode)) fail("not a regular file; copy its contents into one");
  if (static_cast<std::uint64_t>(info.st_size) > limit) {
    fail(fmt::format("{} bytes, and no {} has more than {}", info.st_size, kind, limit));
  }
  // One more than there should be, so that the end of the file is seen; another process may still
  // make it longer or shorter.
  std::string bytes(static_cast<std::size_t>(info.st_size) + 1, '\0');
  std::size_t size = 0;
  while (true) {
    const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(reason(errno));
    size += static_cast<std::size_t>(count);
    if (size > limit) fail(fmt::format("it grows, beyond {} bytes", limit));
    if (count == 0) break;
    if (size == bytes.size()) bytes.resize(2 * size);
  }
  bytes.resize(size);
  return bytes;
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) {
    throw IoError(fmt::format("cannot read {}: {}", path.string(), error.message()), error.value());
  }
  return exists;
}

void check_folder(const std::filesystem::path& path) {
  std::filesystem::path place = std::filesystem::absolute(path).lexically_normal();
  std::error_code error;
  while (!std::filesystem::exists(place, error) && !error && place != place.root_path()) {
    place = place.parent_path();
  }
  if (!error && !std::filesystem::is_directory(place, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (!error && ::access(place.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    throw IoError(fmt::format("cannot make the folder {}: {}", path.string(), error.message()),
                  error.value());
  }
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && !std::filesystem::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    throw IoError(fmt::format("cannot make the folder {}: {}", path.string(), error.message()),
                  error.value());
  }
}

}  // namespace recollect
