#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.hpp"
#include "math/rng.hpp"
#include "tasks/batch.hpp"

namespace recollect {

enum class Split { kTrain, kValidation, kTest };

/// The random stream of a split. Splits never share a stream.
[[nodiscard]] Stream stream_of(Split split) noexcept;
[[nodiscard]] std::string_view name_of(Split split) noexcept;

/// Largest sizes that any task accepts; ids and positions are 32-bit numbers.
inline constexpr std::int64_t kMaxLength = 16777216;
inline constexpr std::int64_t kMaxVocab = 2097152;

/// The bounds of one option, for validate(): options also arrive without a configuration file.
/// @throws FieldError unless low <= value <= high
void require_within(const char* key, std::int64_t value, std::int64_t low, std::int64_t high);

/// How many of an example's scored positions two perfect rules get right. Both rules know the task;
/// "first" trusts the earliest binding of a key, "recent" the latest. Where they differ from the
/// number scored, the data contradict themselves and no model can be expected to do better.
struct Ceilings {
  std::int64_t first = 0;
  std::int64_t recent = 0;
};

/// Buffers that generating an example needs; one for each thread, reused without allocating.
struct GeneratorScratch {
  Sampler sampler;
  std::vector<std::int32_t> items;
  std::vector<std::pair<double, std::int32_t>> race;
};

/// A synthetic recall task at fixed settings: a pure function from random bits to examples.
/// Immutable, shared by all threads.
class Task {
 public:
  virtual ~Task() = default;

  [[nodiscard]] virtual std::int64_t length() const noexcept = 0;  ///< T, tokens an example
  [[nodiscard]] virtual std::int64_t vocab() const noexcept = 0;   ///< V
  [[nodiscard]] virtual std::int64_t scored()
      const noexcept = 0;                                    ///< R, the same for every example
  [[nodiscard]] virtual double chance() const noexcept = 0;  ///< accuracy of the stated guess
  /// Overwrites `out` with the example that the generator's bits determine.
  virtual void generate(Rng& rng, Example& out, GeneratorScratch& scratch) const = 0;
  [[nodiscard]] virtual Ceilings ceilings(const Example& example) const = 0;

  /// Example `index` of a split of data seed `seed`: depends on these and the settings alone.
  void example(std::uint64_t seed, Split split, std::uint64_t index, Example& out,
               GeneratorScratch& scratch) const {
    Rng rng(seed, stream_of(split), index);
    generate(rng, out, scratch);
  }
};

/// The options of a task, as a configuration's `task:` section gives them, `name` and `data_seed`
/// apart.
class TaskSettings {
 public:
  virtual ~TaskSettings() = default;

  std::int64_t length = 0;  ///< T; every task has one, and scoring at another length replaces it

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Every option, bound to this object; `length` first. Valid while the object lives.
  [[nodiscard]] virtual Fields fields() = 0;
  /// Fills the options that were not given and depend on others. Idempotent.
  virtual void resolve() {}
  /// The rules between options. @throws FieldError naming the option to change
  virtual void validate() const = 0;
  [[nodiscard]] virtual std::unique_ptr<TaskSettings> clone() const = 0;
  /// @throws FieldError as validate() does
  [[nodiscard]] virtual std::unique_ptr<Task> make() const = 0;
};

}  // namespace recollect
