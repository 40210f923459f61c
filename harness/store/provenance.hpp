#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace recollect {

/// One piece of work that was done for a cell: how, and how long it took.
struct Provenance {
  std::string work;  ///< training or scoring
  std::string code_version;
  std::string cpu;
  std::int64_t threads = 1;
  double wall_seconds = 0.0;  ///< to the millisecond
  /// Whether the entry has a digest of itself; one of an earlier version has none.
  bool digested = true;
};

/// A piece of work that this build has done. @param cpu  the processor's name
[[nodiscard]] Provenance work_of_this_build(std::string work, std::string cpu, std::int64_t threads,
                                            double wall_seconds);

/// The text of provenance.yaml, a list. The file is not the same from run to run, so status.yaml
/// has no digest of it: each entry has its own.
[[nodiscard]] std::string provenance_text(const std::vector<Provenance>& entries);

/// @param name  stands for the file in messages
/// @throws IoError also where an entry is not what its digest was made of
[[nodiscard]] std::vector<Provenance> parse_provenance(const std::string& text,
                                                       const std::string& name);

}  // namespace recollect
