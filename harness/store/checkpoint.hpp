#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/state.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// How often the state of a training is written. It decides how much a kill can cost, and nothing
/// about the results.
struct CheckpointInterval {
  double seconds = 60.0;   ///< 0: not by time
  std::int64_t steps = 0;  ///< also every so many updates; 0: by time alone
};

/// What a state belongs to. A state of another build is good, but is not resumed: the last
/// bits of its numbers may be other ones.
struct StateIdentity {
  std::string cell;  ///< hash
  int numerics_version = 0;
  std::string code_version;
  std::string compiler;
  std::string build;
};
[[nodiscard]] StateIdentity identity_of_this_build(const std::string& cell_hash);

/// The bytes of a state file: safetensors with the tensors weights/NAME, first_moment/NAME,
/// second_moment/NAME, best/NAME, and as metadata format_version, the identity, the scalars and the
/// history as text that reads back to the same bits, and a checksum over the whole file.
[[nodiscard]] std::string encode_state(const TrainStateView& state, const StateIdentity& identity,
                                       const ParameterLayout& layout);

/// Reads what encode_state() wrote for this cell and layout. `path` is for messages.
/// @param written_by  filled with the identity in the file
/// @throws IoError where a single bit is not as it was written, or where it is another cell's
[[nodiscard]] TrainState decode_state(std::string_view file, const std::filesystem::path& path,
                                      const std::string& cell, const ParameterLayout& layout,
                                      StateIdentity& written_by);

/// The state files of one cell's folder: state.safetensors, and state.previous.safetensors, the one
/// before it, which is read where the newest is damaged.
class Checkpoints {
 public:
  Checkpoints(std::filesystem::path folder, StateIdentity identity, CheckpointInterval interval);

  struct Found {
    std::optional<TrainState> state;  ///< none: start anew
    std::vector<std::string> notes;   ///< a line for each file that was not used, and why
  };
  [[nodiscard]] Found load(const ParameterLayout& layout);

  /// True where it is time to write the state after update `step`.
  [[nodiscard]] bool due(std::int64_t step) const;

  /// Keeps the newest state, unless load() found it damaged, as the previous one and writes this
  /// one, atomically. @throws IoError
  void save(const TrainStateView& state, const ParameterLayout& layout);

  /// Removes both files, where they are. @throws IoError
  void remove() const;

  [[nodiscard]] const std::filesystem::path& newest() const noexcept { return newest_; }
  [[nodiscard]] const std::filesystem::path& previous() const noexcept { return previous_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path newest_;
  std::filesystem::path previous_;
  StateIdentity identity_;
  CheckpointInterval interval_;
  bool newest_is_damaged_ = false;
  Clock::time_point last_save_ = Clock::now();
};

/// Version of the way in which states are written, in the metadata as "format_version".
inline constexpr int kStateFormatVersion = 1;

}  // namespace recollect
