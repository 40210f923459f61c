// What was kept must survive.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/gathered_archive.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {

TEST_CASE("archive: cells that another experiment of the name would lose are counted") {
  const TemporaryFolder first, second, archives;
  Watch watch;
  run(tiny({"seeds=[0]"}), first.path(), watch);
  run(tiny({"seeds=[0, 1]", "variants=[fixed-decay]"}), second.path(), watch);
  archive(first.path(), archives.path());
  std::vector<std::string> notes;
  const Archive other = gather(second.path(), archives.path(), notes);
  CHECK(lost_cells(read_archive(archives / "tiny"), other) == 1);  // label a/b, seed 0
  CHECK(lost_cells(other, other) == 0);
}

TEST_CASE("archive: one that cannot be written leaves the old one and its neighbours as they are") {
  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny({"seeds=[0]"}), runs.path(), watch);
  archive(runs.path(), archives.path());
  write_file_atomically(archives / "tiny" / "notes.txt", "mine");
  const std::string before = read_file(archives / "tiny" / "status.csv");
  std::vector<std::string> notes;
  Archive broken = gather(runs.path(), archives.path(), notes);
  broken.cells.begin()->second.texts["history.csv"] = "no table";  // fails half way
  CHECK_THROWS_AS(write_archive(broken), IoError);
  CHECK(read_file(archives / "tiny" / "status.csv") == before);
  CHECK(read_archive(archives / "tiny").missing() == 0);
  CHECK(read_file(archives / "tiny" / "notes.txt") == "mine");
  CHECK(archive_paths(archives.path()).size() == 1);
  archive(runs.path(), archives.path());
  CHECK(read_file(archives / "tiny" / "notes.txt") == "mine");
}

TEST_CASE("archive: two labels that give one file name keep both weights") {
  const TemporaryFolder runs, archives;
  const Experiment two = tiny({"seeds=[0]",
                               "variants=[{name: fixed-decay, label: a/b}, "
                               "{name: adaptive-decay, label: a_b}]"});
  Watch watch;
  run(two, runs.path(), watch);
  archive_weights(archive(runs.path(), archives.path()), runs.path());
  const std::filesystem::path weights = archives / "tiny" / "weights";
  const std::string second = fmt::format("a_b-{}.safetensors", two.cells[1].hash());
  CHECK(read_file(weights / "a_b.safetensors") ==
        read_file(CellFolder(runs.path(), two.cells[0].hash()).weights_path(Weights::kBest)));
  CHECK(read_file(weights / second) ==
        read_file(CellFolder(runs.path(), two.cells[1].hash()).weights_path(Weights::kBest)));
}

}  // namespace recollect
