#include "harness/results/write_tables.hpp"

#include <utility>

#include "base/file.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect {

WrittenTables write_tables(const std::filesystem::path& out, const std::string& experiment) {
  const Claim claim = claim_experiment(out, experiment);
  std::vector<CellResult> cells;
  try {
    cells = read_cells(out, experiment).rows;
  } catch (const IoError& error) {
    return {{}, error};
  }
  const std::string stem = file_stem(experiment);
  const std::filesystem::path cells_path = out / (stem + ".cells.csv");
  const std::filesystem::path groups_path = out / (stem + ".groups.csv");
  write_file_atomically(cells_path, cell_table_csv(cells));
  write_file_atomically(groups_path, to_csv(to_table(group_table(group_cells(std::move(cells))))));
  return {{cells_path.string(), groups_path.string()}, std::nullopt};
}

}  // namespace recollect
