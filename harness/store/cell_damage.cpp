#include "harness/store/cell_damage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/provenance.hpp"

namespace recollect {
namespace {

class Inspection {
 public:
  Inspection(const CellFolder& folder, const CellStatus& status)
      : folder_(folder), status_(status) {}

  /// A file that every cell has.
  void expect(const char* name, Remedy remedy) {
    if (file_exists(folder_.path() / name)) {
      check(name, remedy);
    } else {
      add(name, fmt::format("{} is missing", (folder_.path() / name).string()), remedy);
    }
  }

  /// A file that only cells of this version are known to have.
  void expect_if_listed(const char* name, Remedy remedy) {
    if (status_.files.contains(name)) expect(name, remedy);
  }

  template <class Read>
  void try_to(const char* name, Read&& read, Remedy remedy) {
    try {
      read();
    } catch (const IoError& error) {
      add(name, error.what(), remedy);
    }
  }

  void add(const char* name, const std::string& what, Remedy remedy) {
    damage_.files.insert(name);
    if (!damage_.what.empty()) damage_.what += "; ";
    damage_.what += what;
    damage_.remedy = std::max(damage_.remedy, remedy);
  }

  [[nodiscard]] CellDamage take() { return std::move(damage_); }

 private:
  void check(const char* name, Remedy remedy) {
    if (!status_.files.contains(name)) return;
    try_to(
        name, [&] { (void)folder_.read_text(name, status_.files); }, remedy);
  }

  const CellFolder& folder_;
  const CellStatus& status_;
  CellDamage damage_;
};

/// Both, or none where the cell came from an archive or from an earlier version.
void inspect_weights(const CellFolder& folder, const CellStatus& status, Inspection& inspection) {
  const bool listed = status.files.contains("final.safetensors");
  if (folder.weightless() && (!listed || folder.needs_no_weights())) return;
  for (const char* name : {"final.safetensors", "best.safetensors"}) {
    inspection.expect(name, Remedy::kTraining);
  }
}

void inspect_tables(const CellFolder& folder, const CellStatus& status, Inspection& inspection) {
  // Without weights nothing can be scored again.
  const Remedy remedy = folder.weightless() ? Remedy::kTraining : Remedy::kScoring;
  inspection.expect("scores.csv", remedy);
  inspection.expect("slices.csv", remedy);
  inspection.expect_if_listed("more_slices.csv", remedy);
  inspection.expect_if_listed("correct.csv", remedy);
  if (!status.files.empty()) return;  // what has its digest is as it was written
  inspection.try_to(
      "slices.csv", [&] { (void)folder.read_slices(); }, remedy);
  inspection.try_to(
      "more_slices.csv", [&] { (void)folder.read_more_slices(); }, remedy);
  inspection.try_to(
      "correct.csv", [&] { (void)folder.read_correct(); }, remedy);
  std::vector<ScoreRow> rows;
  inspection.try_to(
      "scores.csv", [&] { rows = folder.read_scores(); }, remedy);
  const auto bad = std::find_if_not(rows.begin(), rows.end(), has_numbers);
  if (bad == rows.end()) return;
  inspection.add("scores.csv",
                 fmt::format("{}:{}: {}", (folder.path() / "scores.csv").string(),
                             bad - rows.begin() + 2, fault_of(*bad)),
                 Remedy::kTraining);
}

}  // namespace

CellDamage damage_of(const CellFolder& folder, const CellStatus& status) {
  Inspection inspection(folder, status);
  const bool finished = status.ending == Ending::kFinished;
  const Remedy rewriting = finished ? Remedy::kRewriting : Remedy::kTraining;
  inspection.expect("history.csv", Remedy::kTraining);
  if (finished) {
    inspect_weights(folder, status, inspection);
    inspect_tables(folder, status, inspection);
  }
  inspection.expect("config.yaml", rewriting);
  inspection.expect("provenance.yaml", rewriting);
  if (!file_exists(folder.path() / "provenance.yaml")) return inspection.take();
  inspection.try_to(
      "provenance.yaml",
      [&] {
        const std::string file = (folder.path() / "provenance.yaml").string();
        if (parse_provenance(folder.read_text("provenance.yaml"), file).empty()) {
          throw IoError(fmt::format("{} is empty", file));
        }
      },
      rewriting);
  return inspection.take();
}

}  // namespace recollect
