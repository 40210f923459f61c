#include "base/folder_replacement.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& folder, const std::error_code& error) {
  throw IoError(fmt::format("cannot write {}: {}", folder.string(), error.message()));
}

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

FolderReplacement::FolderReplacement(const fs::path& folder) {
  std::error_code error;
  folder_ =
      fs::absolute(folder, error);  // a folder that is not there yet has no other one above it
  if (!error) folder_ = fs::weakly_canonical(folder_, error);  // a link stays one
  if (error) fail(folder, error);
  if (!folder_.has_filename()) folder_ = folder_.parent_path();
  make_folder(folder_.parent_path());
  remove_leftovers(folder_.parent_path(), folder_.filename().string());
  temporary_ = folder_.parent_path() /
               fmt::format(".{}.{:08x}.tmp", folder_.filename().string(), std::random_device{}());
  make_folder(temporary_);
}

FolderReplacement::~FolderReplacement() {
  std::error_code error;
  fs::remove_all(temporary_, error);  // after commit(), what stood there before
}

void FolderReplacement::carry_over(
    const std::function<bool(const std::string& name)>& wanted) const {
  std::error_code error;
  if (!fs::exists(folder_, error)) return;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path target = temporary_ / entry->path().filename();
    if (!wanted(entry->path().filename().string()) || fs::exists(target)) continue;
    fs::copy(entry->path(), target, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
             error);
    if (error) break;
  }
  if (error) fail(folder_, error);
}

void FolderReplacement::commit() {
  std::error_code error;
  const auto rename = [&](const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail(folder_, last_error());
  };
  if (!fs::exists(folder_, error)) {
    rename(temporary_, folder_);
  } else if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, folder_.c_str(),
                         RENAME_EXCHANGE) != 0) {
    // A file system without exchange: for a moment there is no folder of that name. A kill in that
    // moment leaves the old one under a name that no cleaning up removes.
    const fs::path aside = temporary_.string() + ".old";
    rename(folder_, aside);
    if (::rename(temporary_.c_str(), folder_.c_str()) != 0) {
      const std::error_code why = last_error();
      rename(aside, folder_);
      fail(folder_, why);
    }
    fs::remove_all(aside, error);
  }
  // The new name itself must survive a power cut.
  const int parent = ::open(folder_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
}

}  // namespace recollect
