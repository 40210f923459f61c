#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/csv.hpp"

namespace recollect {

/// How training a cell ended.
enum class Ending {
  kFinished,
  kDiverged,  ///< the loss was not finite; it would be again
  kFailed,    ///< an error; the next run tries again
};
[[nodiscard]] std::string name_of(Ending ending);
/// None where nothing ends so.
[[nodiscard]] std::optional<Ending> ending_of(std::string_view name);

/// Digests of files by their names: XXH3 of the bytes, 16 hexadecimal digits.
using FileDigests = std::map<std::string, std::string>;

/// status.yaml: what is known of a cell once its training has ended. The same bytes from run to
/// run.
struct CellStatus {
  Ending ending = Ending::kFinished;
  std::string reason;  ///< one line; empty where finished
  std::int64_t steps = 0;
  std::optional<std::int64_t> solved_step;
  std::int64_t best_step = 0;
  std::int64_t parameters = 0;
  double training_flops = 0.0;  ///< nominal: 2 a multiply-add, 3 forward passes a training sequence
  std::int64_t state_floats = 0;       ///< after train_length tokens
  std::int64_t state_floats_peak = 0;  ///< up to train_length tokens
  int numerics_version = 0;
  std::string code_version;
  std::string compiler;
  std::string build;
  /// Of every other file of the cell but the provenance, which is not the same from run to run;
  /// empty in a cell of an earlier version.
  FileDigests files;
};

/// What a status says of the program that makes the cell: numerics version, code, compiler and
/// build of this one. All else is at its default.
[[nodiscard]] CellStatus status_of_this_build();

/// The members of a status but `files` under the names that they have in status.yaml, in archives
/// and in tables; the only list of them.
[[nodiscard]] const std::vector<Column<CellStatus>>& status_columns();

/// The text of status.yaml; where it has digests of files, the last line is one of the lines above.
[[nodiscard]] std::string status_text(const CellStatus& status);
/// @param name  stands for the file in messages @throws IoError also where the digest is another
[[nodiscard]] CellStatus parse_status(const std::string& text, const std::string& name);

}  // namespace recollect
