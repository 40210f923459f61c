// Finished means whole: every file of a cell that has ended is there and is what was written.
#include "harness/store/cell_damage.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/results/result_set.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/provenance.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {
namespace {

const std::vector<std::string> kOne = {"variants=[adaptive-decay]", "seeds=[0]"};
constexpr const char* kProvenance = "provenance.yaml";

const std::vector<std::string> kFiles = {"config.yaml",       "history.csv",      "scores.csv",
                                         "slices.csv",        "more_slices.csv",  "correct.csv",
                                         "final.safetensors", "best.safetensors", kProvenance};
const std::set<std::string> kScored = {"scores.csv", "slices.csv", "more_slices.csv",
                                       "correct.csv"};

/// Every file of the cell but the provenance, by name.
std::map<std::string, std::string> bytes_of(const CellFolder& folder) {
  std::map<std::string, std::string> bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const std::string name = entry.path().filename().string();
    if (name != kProvenance) bytes[name] = read_file(entry.path());
  }
  return bytes;
}

/// Another digit in the place of the last one.
void change(const std::filesystem::path& file) {
  std::string text = read_file(file);
  const std::size_t at = text.find_last_of("0123456789");
  REQUIRE(at != std::string::npos);
  text[at] = text[at] == '7' ? '3' : '7';
  write_file_atomically(file, text);
}

bool any_holds(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

Remedy remedy_of(const std::string& file) {
  if (file == "config.yaml" || file == kProvenance) return Remedy::kRewriting;
  return kScored.contains(file) ? Remedy::kScoring : Remedy::kTraining;
}

}  // namespace

TEST_CASE("whole cells: a file that is missing or changed is named, and made again to the byte") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment = tiny(kOne);
  run(experiment, out.path(), watch);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  const auto good = bytes_of(folder);
  CHECK(good.size() == kFiles.size());  // status.yaml in the place of the provenance
  CHECK(damage_of(folder, *folder.read_status()).what == "");
  for (const std::string& file : kFiles) {
    for (const bool missing : {true, false}) {
      CAPTURE(file);
      CAPTURE(missing);
      if (missing) {
        std::filesystem::remove(folder.path() / file);
      } else {
        change(folder.path() / file);
      }
      const CellDamage damage = damage_of(folder, *folder.read_status());
      CHECK(damage.remedy == remedy_of(file));
      CHECK(damage.files == std::set<std::string>{file});
      CHECK(damage.what.find(file) != std::string::npos);
      CHECK(damage.what.find('\n') == std::string::npos);

      const RunPlan plan = plan_run(experiment, out.path());
      CHECK(plan.count(Work::kNone) == 0);
      CHECK(any_holds(plan.notes, file));
      std::vector<std::string> notes;
      const Archive gathered = gather(out.path(), out / "archive", notes);
      CHECK(any_holds(notes, file));
      CHECK(gathered.cells.size() == (file.ends_with(".safetensors") ? 1 : 0));

      Watch again;
      CHECK(run(experiment, out.path(), again).finished == 1);
      CHECK((again.steps > 0) == (remedy_of(file) == Remedy::kTraining));
      CHECK(bytes_of(folder) == good);
      CHECK(plan_run(experiment, out.path()).count(Work::kNone) == 1);
    }
  }
}

TEST_CASE("whole cells: a changed score is in no table and no archive") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment = tiny({"variants=[adaptive-decay]"});
  run(experiment, out.path(), watch);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  // Still a whole number of the scored positions: nothing but the digest can tell.
  CsvTable scores = parse_csv(folder.read_text("scores.csv"), "scores.csv");
  scores.rows[0][scores.index("accuracy")] = "1";
  folder.write_text("scores.csv", to_csv(scores));
  const CellResults results = read_cells(out.path());
  CHECK(any_holds(results.warnings, "scores.csv was changed after the cell was done"));
  CHECK(std::none_of(results.rows.begin(), results.rows.end(), [&](const CellResult& row) {
    return row.cell == experiment.cells.at(0).hash();
  }));
  std::vector<std::string> notes;
  CHECK(gather(out.path(), out / "archive", notes).cells.size() == 1);
}

TEST_CASE("whole cells: what looks at no single example reads no correct.csv") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment = tiny(kOne);
  run(experiment, out.path(), watch);
  const std::size_t rows = read_result_set(out.path()).cells.size();
  change(CellFolder(out.path(), experiment.cells.at(0).hash()).path() / "correct.csv");
  CHECK_THROWS_WITH_AS((void)read_result_set(out.path()), doctest::Contains("correct.csv"),
                       IoError);
  const ResultSet set = read_result_set(out.path(), {}, ExactExamples::kLeaveOut);
  CHECK(set.cells.size() == rows);
  REQUIRE(set.exact.size() == rows);
  for (const auto& bits : set.exact) CHECK_FALSE(bits.has_value());
}

TEST_CASE("whole cells: a status that was changed is no status") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment = tiny(kOne);
  run(experiment, out.path(), watch);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  const std::string good = folder.read_text("status.yaml");
  // Any digit, of a step or of a digest.
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (good[at] < '0' || good[at] > '9') continue;
    std::string changed = good;
    changed[at] = changed[at] == '7' ? '3' : '7';
    folder.write_text("status.yaml", changed);
    CAPTURE(at);
    CHECK_THROWS_AS((void)folder.read_status(), IoError);
  }
  CHECK(plan_run(experiment, out.path()).count(Work::kTrain) == 1);
  run(experiment, out.path(), watch);
  CHECK(folder.read_text("status.yaml") == good);
}

TEST_CASE("whole cells: what diverged is trained again where a file is lost") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment =
      tiny({"variants=[adaptive-decay]", "seeds=[0]", "train.learning_rate=10",
            "train.weight_decay=10", "train.steps=400"});
  CHECK(run(experiment, out.path(), watch).finished == 0);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  REQUIRE(folder.read_status()->ending == Ending::kDiverged);
  const auto good = bytes_of(folder);
  CHECK(plan_run(experiment, out.path()).count(Work::kNone) == 1);
  for (const char* file : {"config.yaml", "history.csv", kProvenance}) {
    std::filesystem::remove(folder.path() / file);
    CHECK(plan_run(experiment, out.path()).count(Work::kTrain) == 1);
    run(experiment, out.path(), watch);
    CHECK(bytes_of(folder) == good);
  }
}

TEST_CASE("whole cells: an archive gives no weights, and none are missing then") {
  const TemporaryFolder runs, archives, out;
  Watch watch;
  run(tiny(), runs.path(), watch);
  const Archive archived = archive(runs.path(), archives.path());
  for (const auto& [hash, cell] : archived.cells) {
    CHECK(cell.status.files.contains("best.safetensors"));
  }
  const ArchiveShelf shelf({archives.path()});
  run(tiny(), out.path(), watch, &shelf);
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
  const CellFolder folder(out.path(), tiny().cells.at(0).hash());
  CHECK(folder.needs_no_weights());
  // Where it does need them, they are missing.
  folder.remove_needs_no_weights();
  CHECK(plan_run(tiny(), out.path()).count(Work::kTrain) == 1);
  run(tiny(), out.path(), watch);
  CHECK_FALSE(folder.weightless());
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
}

TEST_CASE("whole cells: an archive hands on no cell without a table, or one of NaN") {
  const TemporaryFolder runs;
  Watch watch;
  run(tiny(), runs.path(), watch);
  std::vector<std::string> notes;
  Archive gathered = gather(runs.path(), runs / "archive", notes);
  ArchivedCell& cell = gathered.cells.begin()->second;
  CHECK(why_not_whole(cell) == "");
  ArchivedCell lacking = cell;
  lacking.texts.erase("history.csv");
  CHECK(why_not_whole(lacking) == "a cell without history.csv");
  cell.scores[0].loss = -std::numeric_limits<double>::quiet_NaN();
  CHECK(why_not_whole(cell).starts_with("a cell of which loss = "));
  const auto rows = archived_cells(gathered);
  CHECK(std::count_if(rows.begin(), rows.end(), [](const CellResult& row) {
          return row.status.ending == Ending::kDiverged && !row.score &&
                 row.status.reason.starts_with("no number from ");
        }) == 1);
}

TEST_CASE("whole cells: entries of the provenance have digests, those of an earlier version none") {
  const Provenance work{"training", "g12e4567", "a processor", 2, 1.5};
  Provenance former = work;
  former.digested = false;
  const std::string old_text =
      "- training: {code_version: \"g12e4567\", cpu: \"a processor\", threads: 2, "
      "wall_seconds: 1.500}\n";
  CHECK(provenance_text({former}) == old_text);
  CHECK_FALSE(parse_provenance(old_text, "p.yaml").at(0).digested);
  const std::string text = provenance_text({work, former});
  const auto both = parse_provenance(text, "p.yaml");
  REQUIRE(both.size() == 2);
  CHECK(both[0].digested);
  CHECK_FALSE(both[1].digested);
  std::string changed = text;
  changed.replace(changed.find("1.500"), 5, "1.400");
  CHECK_THROWS_WITH_AS((void)parse_provenance(changed, "p.yaml"),
                       doctest::Contains("p.yaml:1: was changed after it was written"), IoError);
}

}  // namespace recollect
