#include "harness/exchange/outside_cell.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/misread.hpp"
#include "base/text.hpp"
#include "harness/config/load.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/outside_file.hpp"
#include "harness/store/provenance.hpp"
#include "harness/train/score_rows.hpp"
#include "math/parallel.hpp"
#include "models/outside.hpp"
#include "models/registry.hpp"

namespace recollect {
namespace {

/// As a configuration reads it: every rule holds, and its folder's config.yaml gives it again.
Cell reread(const Cell& cell, const std::string& experiment,
            const std::vector<std::string>& overrides) {
  return parse_experiment(cell.yaml(experiment), experiment, overrides, AllowedNames::kAny)
      .cells.front();
}

void check_label(const std::string& label) {
  const std::string as = misread_as(label);
  if (!as.empty()) {
    throw ConfigError(
        fmt::format("label '{}': programs that read tables take it for {}; take "
                    "another, e.g. '{} model'",
                    printable(label), as, printable(label)));
  }
  if (label == kOutside || mixers().find(label) != nullptr) {
    throw ConfigError(fmt::format(
        "label '{}' is the name of a variant; take another, e.g. '{} of mine'", label, label));
  }
}

/// The scores that the cell has, of as many examples.
ScoreTables kept_scores(const CellFolder& folder, const OutsideScore& scored) {
  const std::optional<CellStatus> status = folder.read_status();
  if (!status) return {};
  ScoreTables tables{folder.read_scores(status->files), folder.read_slices(status->files),
                     folder.read_more_slices(status->files), folder.read_correct(status->files)};
  const auto other = [&](const auto& row) {
    return row.key.split == scored.split && row.key.settings.empty() &&
           row.key.examples != scored.part.examples;
  };
  std::erase_if(tables.scores, other);
  std::erase_if(tables.slices, other);
  std::erase_if(tables.more_slices, other);
  std::erase_if(tables.correct, other);
  return tables;
}

/// The cell, asking for the scores that it has.
Cell asking_for(const Cell& cell, const std::string& experiment, const ScoreTables& tables,
                const OutsideScore& scored) {
  if (!cell.scored.empty()) return cell;
  std::set<std::int64_t> lengths = {scored.part.task->length};
  for (const ScoreRow& row : tables.scores) lengths.insert(row.key.eval_length);
  return reread(cell, experiment, {fmt::format("eval.lengths=[{}]", fmt::join(lengths, ", "))});
}

/// The cell with as many examples as were scored. Of validation examples their number is a part of
/// what a cell is, so another number gives another cell.
Cell with_count(const Cell& cell, const std::string& experiment, const OutsideScore& scored) {
  if (!cell.scored.empty()) return cell;
  const char* const option =
      scored.split == Split::kTest ? "eval.examples" : "train.validation_examples";
  return reread(cell, experiment, {fmt::format("{}={}", option, scored.part.examples)});
}

}  // namespace

Cell outside_cell(const Cell& of, const std::string& experiment, const std::string& label,
                  std::int64_t seed) {
  check_label(label);
  Cell cell = of;
  cell.variant.name = kOutside;
  cell.variant.label = label;
  cell.variant.model.pattern = ModelSettings{}.pattern;
  cell.variant.mixer = outside_settings().clone();
  cell.variant.layers.assign(static_cast<std::size_t>(cell.variant.model.layers),
                             cell.variant.mixer);
  // Where learned positions end says nothing of another model.
  if (cell.variant.model.position == Position::kLearned) {
    cell.variant.model.position = Position::kNone;
  }
  cell.seed = seed;
  return reread(cell, experiment, {});
}

std::filesystem::path add_outside_score(const std::filesystem::path& out,
                                        const std::string& experiment, const Cell& of,
                                        const OutsideScore& scored) {
  const Cell cell = with_count(of, experiment, scored);
  (void)asking_for(cell, experiment, {}, scored);  // fails before anything is written
  make_folder(out / "experiments");
  make_folder(out / "claims");
  const CellFolder folder(out, cell.hash());
  make_folder(folder.path());
  const Claim claim = Claim::take(cell_claim(out, cell.hash()));
  ScoreTables tables = kept_scores(folder, scored);
  for (const Weights weights : {Weights::kFinal, Weights::kBest}) {
    put_score(tables,
              {weights, scored.split, scored.part.task->length, scored.part.examples,
               name_of(cell.eval.unseen_levels), scored.part.settings},
              scored.score, /*best_step=*/0, /*foreign_selection=*/false);
  }
  const Cell asking = asking_for(cell, experiment, tables, scored);
  folder.remove_status();
  folder.remove_unfinished_writes();
  folder.write_text("config.yaml", asking.yaml(experiment));
  folder.write_history({});
  folder.write_scores(std::move(tables));
  folder.write_text("provenance.yaml",
                    provenance_text({work_of_this_build("scoring", cpu_model(), 1, 0.0)}));
  CellStatus status = status_of_this_build();
  status.files = folder.digests();
  folder.write_status(status);
  write_outside_file(out, experiment, asking);
  return folder.path();
}

}  // namespace recollect
