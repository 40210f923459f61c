#include "harness/store/archive.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/compare/compare.hpp"
#include "harness/config/load.hpp"
#include "harness/render/report.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/history_table.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/sweep/runner.hpp"
#include "math/rng.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {
namespace {

/// The text files of all cells: what an archive must give back.
std::map<std::string, std::string> texts_of(const std::filesystem::path& out) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out / "cells")) {
    if (!entry.is_regular_file() || entry.path().extension() == ".safetensors") continue;
    if (entry.path().filename() == "without_weights") continue;
    files[std::filesystem::relative(entry.path(), out).string()] = read_file(entry.path());
  }
  return files;
}

std::string csv_of(const std::vector<CellResult>& cells) {
  return to_csv(to_table(cell_table(cells)));
}

bool any_holds(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

TEST_CASE("archive: compare reads one as it reads the folder it was made from") {
  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny(), runs.path(), watch);
  archive(runs.path(), archives.path());
  const ResultSet folder = read_result_set(runs.path());
  const ResultSet archived = read_result_set(archives / "tiny", {"tiny"});
  CHECK(csv_of(archived.cells) == csv_of(folder.cells));
  CHECK(archived.exact == folder.exact);
  const ResultComparison comparison = compare(folder, archived, {});
  CHECK(comparison.mismatches.empty());
  CHECK(comparison.groups.size() == 2);
  for (const ComparedGroup& group : comparison.groups) CHECK(group.verdict == Verdict::kEqual);

  CHECK_THROWS_WITH_AS((void)read_result_set(archives / "tiny", {"other"}),
                       doctest::Contains("holds no experiment 'other'"), IoError);
  // A folder of archives is what all of them hold.
  CHECK(csv_of(read_result_set(archives.path()).cells) == csv_of(folder.cells));
  CHECK(csv_of(read_result_set(archives.path(), {"tiny"}).cells) == csv_of(folder.cells));
}

TEST_CASE("results: reading them can be stopped between two cells, and two archives") {
  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny(), runs.path(), watch);
  archive(runs.path(), archives.path());
  const auto looks = [](const auto& read) {
    for (int n = 1;; ++n) {
      StopRequest stop;
      stop.request_at_look(n, SIGINT);
      try {
        read(stop);
        return n - 1;
      } catch (const Interrupted&) {
      }
    }
  };
  // Of four cells the scores, then which examples they had right; then the histories.
  CHECK(looks([&](const StopRequest& stop) {
          (void)read_result_set(runs.path(), {}, ExactExamples::kRead, stop);
        }) == 8);
  CHECK(looks([&](const StopRequest& stop) {
          (void)read_result_set(archives.path(), {}, ExactExamples::kRead, stop);
        }) == 1);
  const std::vector<CellResult> cells = read_result_set(runs.path()).cells;
  for (const auto& [place, expected] : {std::pair(&runs, 4), std::pair(&archives, 1)}) {
    std::vector<std::string> warnings;
    const std::filesystem::path path = place->path();
    CHECK(looks([&](const StopRequest& stop) {
            (void)read_histories(path, cells, warnings, stop);
          }) == expected);
  }
}

TEST_CASE("compare: a table whose values no run can give is refused, with its row") {
  const TemporaryFolder runs;
  Watch watch;
  run(tiny(), runs.path(), watch);
  const CsvTable right = to_table(cell_table(read_cells(runs.path()).rows));
  const std::filesystem::path file = runs / "table.csv";
  const auto refusal = [&](const char* column, const char* value) {
    CsvTable wrong = right;
    wrong.rows[2][wrong.index(column)] = value;
    write_file_atomically(file, to_csv(wrong));
    try {
      (void)read_result_set(file);
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const auto& [column, value] :
       std::vector<std::pair<const char*, const char*>>{{"accuracy", "1.5"},
                                                        {"exact_match", "-0.1"},
                                                        {"loss", "-1"},
                                                        {"solved_step", "abc"},
                                                        {"solved_step", "-5"},
                                                        {"status", "Finished"}}) {
    const std::string message = refusal(column, value);
    CAPTURE(message);
    CHECK(message.starts_with(file.string() + ": row 3, column '" + std::string(column) + "': '" +
                              std::string(value) + "' must be "));
  }
  CHECK(refusal("accuracy", "1") == "");
  CHECK(refusal("solved_step", "") == "");
}

TEST_CASE("archive: every text file of every cell comes back to the byte, and nothing is trained") {
  const TemporaryFolder runs, archives, out;
  Watch first;
  run(tiny(), runs.path(), first);
  const Archive written = archive(runs.path(), archives.path());
  CHECK(written.missing() == 0);
  CHECK(is_archive(archives / "tiny"));

  const ArchiveShelf shelf({archives.path()});
  CHECK(shelf.notes().empty());
  const RunPlan plan = plan_run(tiny(), out.path(), {.reuse = &shelf});
  CHECK(plan.count(Work::kRestore) == 4);
  CHECK(plan.bytes == 0.0);
  Watch second;
  CHECK(run(tiny(), out.path(), second, &shelf).finished == 4);
  CHECK(second.steps == 0);
  CHECK(any_holds(second.notes, "taking 4 cells from " + (archives / "tiny").string()));
  CHECK(texts_of(out.path()).size() == 4 * 8);
  CHECK(texts_of(out.path()) == texts_of(runs.path()));
  const std::vector<CellResult> cells = read_cells(runs.path()).rows;
  CHECK(csv_of(read_cells(out.path()).rows) == csv_of(cells));
  CHECK(csv_of(archived_cells(written)) == csv_of(cells));
  CHECK(read_file(archives / "tiny" / "groups.csv") ==
        to_csv(to_table(group_table(group_cells(cells)))));

  // Now there is nothing to do, with the archive or without; archived again, it is the same.
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
  const TemporaryFolder again;
  archive(out.path(), again.path());
  for (const auto& entry : std::filesystem::directory_iterator(archives / "tiny")) {
    if (entry.path().filename() == "table.md") continue;  // it says where it is
    CAPTURE(entry.path().filename());
    CHECK(read_file(again / "tiny" / entry.path().filename().string()) == read_file(entry.path()));
  }
}

TEST_CASE("archive: of half an archive, only the missing cells are trained") {
  const TemporaryFolder half, whole, archives, out;
  Watch watch;
  run(tiny(), whole.path(), watch);
  run(tiny({"seeds=[1]"}), half.path(), watch);
  // The experiment's file of a run that was stopped lists all cells.
  write_experiment(tiny(), half.path());
  const Archive written = archive(half.path(), archives.path());
  CHECK(written.missing() == 2);
  CHECK(completeness(written) == "2 of 4 cells; 2 were not run");
  CHECK(read_file(archives / "tiny" / "table.md").find("2 of 4 cells") != std::string::npos);

  const ArchiveShelf shelf({archives / "tiny"});  // an archive itself will do
  Watch second;
  CHECK(run(tiny(), out.path(), second, &shelf).finished == 4);
  CHECK(second.steps == 2 * 20);
  auto expected = texts_of(whole.path());
  auto found = texts_of(out.path());
  const auto is_provenance = [](const auto& file) {
    return file.first.ends_with("provenance.yaml");
  };
  std::erase_if(expected, is_provenance);
  std::erase_if(found, is_provenance);
  // Two experiments share these cells, and config.yaml names the settings of the first.
  CHECK(found == expected);
}

TEST_CASE("archive: a newer one keeps the cells that only the older has") {
  const TemporaryFolder first, second, archives;
  Watch watch;
  run(tiny({"seeds=[0]"}), first.path(), watch);
  write_experiment(tiny(), first.path());
  run(tiny({"seeds=[1]"}), second.path(), watch);
  write_experiment(tiny(), second.path());
  archive(first.path(), archives.path());
  std::vector<std::string> notes;
  Archive newer = gather(second.path(), archives.path(), notes);
  CHECK(keep_cells_of(read_archive(archives / "tiny"), newer) == 2);
  write_archive(newer);
  CHECK(read_archive(archives / "tiny").missing() == 0);
}

TEST_CASE("archive: cells that diverged are kept, cells that failed are left out") {
  const TemporaryFolder runs, archives, out;
  const std::vector<std::string> wild = {"train.learning_rate=10", "train.weight_decay=10",
                                         "train.clip=0", "variants=[fixed-decay]"};
  Watch watch;
  run(tiny(wild), runs.path(), watch);
  const CellFolder failed(runs.path(), tiny(wild).cells[1].hash());
  CellStatus status = *failed.read_status();
  REQUIRE(status.ending == Ending::kDiverged);
  status.ending = Ending::kFailed;
  failed.write_status(status);
  std::vector<std::string> notes;
  const Archive gathered = gather(runs.path(), archives.path(), notes);
  CHECK(notes == std::vector<std::string>{"leaving out 1 cell that failed"});
  CHECK(gathered.missing() == 1);
  write_archive(gathered);
  const ArchiveShelf shelf({archives.path()});
  const RunPlan plan = plan_run(tiny(wild), out.path(), {.reuse = &shelf});
  REQUIRE(plan.cells[0].work == Work::kRestore);
  CHECK(plan.cells[1].work == Work::kTrain);
  restore_cell(*plan.cells[0].archived, CellFolder(out.path(), plan.cells[0].hash));
  CHECK(plan_run(tiny(wild), out.path()).cells[0].work == Work::kNone);
}

TEST_CASE("archive: a cell that lacks a score is trained, and the plan says why") {
  const TemporaryFolder runs, archives, out, whole;
  Watch watch;
  run(tiny(), runs.path(), watch);
  archive(runs.path(), archives.path());
  const ArchiveShelf shelf({archives.path()});
  const Experiment longer = tiny({"eval.lengths=[16, 24, 40]"});
  SUBCASE("in the archive") {}
  SUBCASE("in the folder, restored before") { run(tiny(), out.path(), watch, &shelf); }
  Watch second, third;
  CHECK(run(longer, out.path(), second, &shelf).finished == 4);
  CHECK(second.steps == 4 * 20);
  CHECK(any_holds(second.notes,
                  "training 4 cells that archives hold, without all scores that are asked for: " +
                      (archives / "tiny").string() +
                      " lacks final weights on 20 validation examples at length 40"));
  run(longer, whole.path(), third);
  CHECK(csv_of(read_cells(out.path()).rows) == csv_of(read_cells(whole.path()).rows));
}

TEST_CASE("archive: a finished cell without weights that lacks a score is trained again") {
  const TemporaryFolder out;
  Watch first, second;
  run(tiny(), out.path(), first);
  const CellFolder folder(out.path(), tiny().cells[1].hash());
  folder.remove_weights();
  folder.write_needs_no_weights();
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
  const Experiment longer = tiny({"eval.lengths=[16, 24, 40]"});
  CHECK(run(longer, out.path(), second).finished == 4);
  CHECK(second.steps == 20);
  CHECK(any_holds(second.notes,
                  "training 1 cell again, for want of weights to make missing "
                  "scores from: " +
                      folder.path().string()));
  CHECK(folder.read_scores().size() == 3 * 4);
}

TEST_CASE("archive: what is restored replaces a damaged or unfinished cell, and its state") {
  const TemporaryFolder runs, archives, out;
  Watch watch;
  run(tiny(), runs.path(), watch);
  archive(runs.path(), archives.path());
  const ArchiveShelf shelf({archives.path()});
  run(tiny(), out.path(), watch);
  const CellFolder damaged(out.path(), tiny().cells[0].hash());
  const CellFolder unfinished(out.path(), tiny().cells[1].hash());
  damaged.write_text("history.csv", "{half a fi");
  unfinished.remove_status();
  unfinished.write_text("state.safetensors", "state");
  Watch second;
  run(tiny(), out.path(), second, &shelf);
  CHECK(second.steps == 0);
  CHECK(any_holds(second.notes, "restoring a cell again: "));
  CHECK(damaged.read_text("history.csv") ==
        CellFolder(runs.path(), tiny().cells[0].hash()).read_text("history.csv"));
  CHECK_FALSE(file_exists(unfinished.path() / "state.safetensors"));
  CHECK_FALSE(file_exists(damaged.weights_path(Weights::kBest)));  // of another training
}

TEST_CASE("archive: a cell that another process has claimed is waited for") {
  const TemporaryFolder runs, archives, out;
  Watch watch;
  run(tiny({"seeds=[0]", "variants=[fixed-decay]"}), runs.path(), watch);
  archive(runs.path(), archives.path());
  const ArchiveShelf shelf({archives.path()});
  const Experiment one = tiny({"seeds=[0]", "variants=[fixed-decay]"});
  make_folder(out / "claims");
  const std::string hash = one.cells[0].hash();
  auto claim =
      std::make_unique<std::optional<Claim>>(Claim::try_take(cell_claim(out.path(), hash)));
  REQUIRE(claim->has_value());
  class Release final : public RunObserver {
   public:
    void on_wait(const PlannedCell&, const std::string&) override {
      there_too_early = file_exists(status);
      claim->reset();
    }
    std::unique_ptr<std::optional<Claim>> claim;
    std::filesystem::path status;
    bool there_too_early = true;
  } release;
  release.claim = std::move(claim);
  release.status = CellFolder(out.path(), hash).path() / "status.yaml";
  run_experiment(one, out.path(), {.jobs = 1, .reuse = &shelf}, release);
  CHECK_FALSE(release.there_too_early);
  CHECK(file_exists(release.status));
}

/// An archive of two cells that can be damaged and mended.
class DamagedArchive {
 public:
  DamagedArchive() {
    Watch watch;
    run(experiment, runs_.path(), watch);
    cells = archive(runs_.path(), folder.path()).cells;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      whole[entry.path().filename().string()] = read_file(entry.path());
    }
  }
  [[nodiscard]] std::filesystem::path path() const { return folder / "tiny"; }
  void mend(const std::string& file) const { write_file_atomically(path() / file, whole.at(file)); }

  /// Makes `text` of a file and expects the archive to be refused, with a line on that file.
  void expect_refused(const std::string& file, const std::string& text,
                      const std::string& message) const {
    CAPTURE(file);
    CAPTURE(message);
    write_file_atomically(path() / file, text);
    expect_refused(file, message);
  }
  void expect_refused(const std::string& file, const std::string& message) const {
    const ArchiveShelf shelf({folder.path()});
    REQUIRE(shelf.notes().size() == 1);
    CAPTURE(shelf.notes()[0]);
    CHECK(shelf.notes()[0].find("not using the archive " + path().string() + ": " +
                                (path() / file).string() + ":") == 0);
    CHECK(shelf.notes()[0].find(message) != std::string::npos);
    CHECK(shelf.find(experiment.cells[0].hash()).empty());
    mend(file);
  }
  [[nodiscard]] std::string replaced(const std::string& file, const std::string& from,
                                     const std::string& to) const {
    std::string text = whole.at(file);
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  }
  [[nodiscard]] std::string without_last_line(const std::string& file) const {
    const std::string& text = whole.at(file);
    return text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  }

  TemporaryFolder folder;
  Experiment experiment = tiny({"seeds=[0]"});
  std::map<std::string, ArchivedCell> cells;
  std::map<std::string, std::string> whole;

 private:
  TemporaryFolder runs_;
};

TEST_CASE("archive: one that is damaged is named with file and line, and not used") {
  const DamagedArchive archive;
  const std::string hash = archive.experiment.cells[0].hash();
  const std::string other = archive.experiment.cells[1].hash();
  for (const char* file : {"history.csv", "scores.csv", "slices.csv", "more_slices.csv",
                           "correct.csv", "provenance.csv"}) {
    archive.expect_refused(file, archive.without_last_line(file),
                           " do not match their digest in line 3 of");
    archive.expect_refused(file, "", " the file is empty");
    archive.expect_refused(file, archive.replaced(file, hash, "0123456789abcdef"),
                           ":2: cell 'c0123456789abcdef' is not in status.csv");
    archive.expect_refused(file, archive.replaced(file, "cell,", "celL,"), ":1: its columns are");
    std::filesystem::remove(archive.path() / file);
    archive.expect_refused(
        file, ":1: the rows of cell " + hash + " do not match their digest in line 2 of");
  }
  const std::string version = std::to_string(kNumericsVersion);
  archive.expect_refused("status.csv", archive.replaced("status.csv", "," + version + ",", ",1,"),
                         ":2: numerics version 1, but this program computes version " + version);
  archive.expect_refused("status.csv", archive.replaced("status.csv", "finished", "failed"),
                         ":2: status 'failed' is neither");
  archive.expect_refused("status.csv", archive.replaced("status.csv", ",20,", ",19,"),
                         ":2: what it says of cell");
  archive.expect_refused("status.csv", archive.replaced("status.csv", other, hash),
                         ":3: cell 'c" + hash + "' is there twice");
  archive.expect_refused("status.csv", archive.replaced("status.csv", other, "0123456789abcdef"),
                         ":3: cell 'c0123456789abcdef' is none of the experiment's");
  archive.expect_refused("config.yaml", archive.replaced("config.yaml", "tiny", "Tiny"),
                         ":1: what it says of cell " + hash);
  archive.expect_refused("config.yaml", archive.replaced("config.yaml", "steps", "stepz"),
                         "unknown key");
  CHECK(ArchiveShelf({archive.folder.path()}).notes().empty());
}

TEST_CASE("archive: whatever is cut or changed, a cell that it still gives is whole") {
  const DamagedArchive archive;
  std::size_t refused = 0;
  constexpr std::size_t kTrials = 300;
  for (std::size_t trial = 0; trial < kTrials; ++trial) {
    Rng rng(7, Stream::kTest, trial);
    auto file = archive.whole.begin();
    std::advance(file, rng.below(static_cast<std::uint32_t>(archive.whole.size())));
    if (file->first == "groups.csv" || file->first == "table.md") continue;  // nothing reads these
    std::string text = file->second;
    const std::size_t at = rng.below(static_cast<std::uint32_t>(text.size()));
    switch (rng.below(3)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text[at] = static_cast<char>(rng.between('!', '~'));
        break;
      default:
        text.erase(at, 1 + rng.below(200));
    }
    CAPTURE(trial);
    CAPTURE(file->first);
    write_file_atomically(archive.path() / file->first, text);
    const ArchiveShelf shelf({archive.folder.path()});
    refused += shelf.notes().size();
    for (const auto& [hash, cell] : archive.cells) {
      for (const ArchiveShelf::Place& place : shelf.find(hash))
        CHECK(place.cell->texts == cell.texts);
    }
    archive.mend(file->first);
  }
  CHECK(refused > kTrials / 3);
}

TEST_CASE("archive: a folder without archives is told, one that is not there refused") {
  const TemporaryFolder folder;
  CHECK(any_holds(ArchiveShelf({folder.path()}).notes(), "holds no archive"));
  CHECK_THROWS_AS(ArchiveShelf({folder / "absent"}), IoError);
}

}  // namespace
}  // namespace recollect
