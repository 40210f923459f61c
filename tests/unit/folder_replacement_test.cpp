#include "base/folder_replacement.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;

std::size_t entries_of(const fs::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("folder replacement: a new folder, and another one in its place") {
  const TemporaryFolder place;
  const fs::path folder = place / "deep" / "results";
  {
    FolderReplacement first(folder);
    write_file_atomically(first.path() / "a", "1");
    write_file_atomically(first.path() / "b", "1");
    CHECK_FALSE(fs::exists(folder));
    first.commit();
  }
  make_folder(folder / "kept");
  write_file_atomically(folder / "kept" / "weights", "w");
  {
    FolderReplacement second(folder.string() + "/");
    write_file_atomically(second.path() / "a", "2");
    second.carry_over([](const std::string& name) { return name != "b"; });
    CHECK(read_file(folder / "a") == "1");
    second.commit();
  }
  CHECK(read_file(folder / "a") == "2");
  CHECK(read_file(folder / "kept" / "weights") == "w");
  CHECK_FALSE(fs::exists(folder / "b"));
  CHECK(entries_of(place / "deep") == 1);
}

TEST_CASE("folder replacement: what a kill left goes, what others are writing stays") {
  const TemporaryFolder place;
  const std::vector<std::string> left = {".a.0123abcd.tmp", ".a.0123abcd.17.tmp"};
  const std::vector<std::string> of_others = {
      ".a.b.0123abcd.tmp", ".a.b.0123abcd.17.tmp", ".a.0123abc.tmp", ".a.0123abcd.x.tmp", ".a.tmp",
      "a.0123abcd.tmp"};
  for (const std::string& name : left) make_folder(place / name);
  for (const std::string& name : of_others) make_folder(place / name);
  FolderReplacement(place / "a").commit();
  for (const std::string& name : left) CHECK_FALSE(fs::exists(place / name));
  for (const std::string& name : of_others) CHECK(fs::exists(place / name));
}

TEST_CASE("folder replacement: given up, it leaves the old one and nothing else") {
  const TemporaryFolder place;
  make_folder(place / "results");
  write_file_atomically(place / "results" / "a", "1");
  make_folder(place / ".results.0badcafe.tmp");  // of a process that was killed
  {
    FolderReplacement given_up(place / "results");
    write_file_atomically(given_up.path() / "a", "2");
  }
  CHECK(read_file(place / "results" / "a") == "1");
  CHECK(entries_of(place.path()) == 1);
}

TEST_CASE("folder replacement: a link to a folder stays one") {
  const TemporaryFolder place;
  make_folder(place / "real");
  fs::create_directory_symlink(place / "real", place / "link");
  {
    FolderReplacement replacement(place / "link");
    write_file_atomically(replacement.path() / "a", "1");
    replacement.commit();
  }
  CHECK(fs::is_symlink(place / "link"));
  CHECK(read_file(place / "real" / "a") == "1");
}

TEST_CASE("folder replacement: where no folder can be, one line says so") {
  const TemporaryFolder place;
  write_file_atomically(place / "file", "");
  CHECK_THROWS_AS(FolderReplacement(place / "file" / "below"), IoError);
}

}  // namespace recollect
