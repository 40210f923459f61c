#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "harness/sweep/plan.hpp"
#include "harness/sweep/runner.hpp"

namespace recollect {

/// A cell of this very build that does not give the same bytes again. The line names cell, file,
/// byte, and where to look.
class Regression : public Error {
 public:
  explicit Regression(const std::string& message) : Error(ExitStatus::kRegression, message) {}
};

enum class Verified {
  kEnded,    ///< all cells whose training has ended, finished or diverged
  kDamaged,  ///< only those of which a run would make files again, as these are not what they were
};

struct VerifySummary {
  std::size_t same = 0;         ///< cells that gave the same bytes again
  std::size_t other_build = 0;  ///< of those, made by another build
  std::size_t weightless = 0;   ///< of those, without weights to compare: an archive keeps none
  /// One line for each cell of which nothing can be said: it was made by another build, whose last
  /// bits may be other ones, and differs; or it could not be run again.
  std::vector<std::string> incomparable;
};

/// Trains and scores cells of the experiment, or of options.shard, once more, with another number
/// of threads than they were made with, and compares byte by byte what must not depend on it: every
/// file of a cell's folder but the provenance; of status.yaml what does not name the build, where
/// the build is another one. Rows of scores.csv that other configurations asked for are made again
/// as well. A cell that has neither of its weights, as one that comes from an archive, is compared
/// without them. Cells that have not ended, or failed, are passed over. At most options.jobs cells
/// at once, fewer where threads are more.
///
/// The folders of the cells stay as they are; each is claimed while its cell is run again, in the
/// folder OUT/verify-XXXXXXXX, which is gone afterwards. What a killed verification left of its own
/// is taken away by the next one.
/// @throws Regression at the first difference; no further cell is run again
/// @throws IoError where a file of a cell is missing or cannot be read, or the re-run not written
/// @throws ConfigError where there is no memory for it; Interrupted
VerifySummary verify_experiment(const Experiment& experiment, const std::filesystem::path& out,
                                const RunOptions& options, RunObserver& observer,
                                const StopRequest& stop = StopRequest::never(),
                                Verified which = Verified::kEnded);

}  // namespace recollect
