#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.hpp"
#include "math/rng.hpp"
#include "tasks/example.hpp"

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

/// Which example. It depends on these three and on the task's settings alone.
struct Draw {
  std::uint64_t seed = 0;  ///< data_seed
  Split split = Split::kTrain;
  std::uint64_t index = 0;
};

/// The random numbers of an example: no other draw shares them.
[[nodiscard]] inline Rng generator_of(const Draw& draw) noexcept {
  return Rng(draw.seed, stream_of(draw.split), draw.index);
}

/// A map that all examples of a data seed share, kept from one example to the next.
struct SharedMap {
  std::uint64_t seed = 0;
  std::int32_t vocab = 0;            ///< what it was drawn for; 0: nothing yet
  std::vector<std::int32_t> values;  ///< of each key
};

/// Buffers that generating an example needs; one for each thread, reused without allocating.
struct GeneratorScratch {
  Sampler sampler;
  std::vector<std::int32_t> items;
  std::vector<std::pair<double, std::int32_t>> race;
  SharedMap map;
};

/// The value of a tag that says nothing of a scored position.
inline constexpr std::int32_t kNoTag = std::numeric_limits<std::int32_t>::min();

/// What TaskSettings::rules() answer that is no id.
inline constexpr std::int32_t kNoAnswer = -1;  ///< the rule finds no answer
inline constexpr std::int32_t kUntold = -2;    ///< the task does not say what the rule answers

/// A kind of token, for people who look at an example (`recollect show`).
struct TokenKind {
  std::string_view name;  ///< "key"
  char mark = ' ';        ///< stands below the id
};
using TokenKinds = std::span<const TokenKind>;

/// The one kind of a task that tells none apart.
inline constexpr TokenKind kOnlyKind[] = {{"token", 't'}};

/// A synthetic task at fixed settings: a pure function from a draw to an example. Immutable, shared
/// by all threads.
class Task {
 public:
  virtual ~Task() = default;

  [[nodiscard]] virtual std::int64_t length() const noexcept = 0;  ///< T, tokens an example
  [[nodiscard]] virtual std::int64_t vocab() const noexcept = 0;   ///< V
  /// The most scored positions that an example has; every example has one at least.
  [[nodiscard]] virtual std::int64_t max_scored() const noexcept = 0;
  [[nodiscard]] virtual double chance() const noexcept = 0;  ///< accuracy of the stated guess
  /// Whether every position of every example is scored, so that a loss has none to add.
  [[nodiscard]] virtual bool scores_everywhere() const noexcept { return false; }

  /// Overwrites `out` with an example.
  virtual void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const = 0;

  /// answers (R, TaskSettings::rules()) = the id that each rule answers at each scored position,
  /// row by row, or kNoAnswer; kUntold throughout, unless a task says it.
  virtual void find_answers(const Example& example, std::span<std::int32_t> answers) const;

  /// right[i] = how many of the example's scored positions rule i of TaskSettings::rules() answers
  /// correctly. Counts the answers of find_answers(), unless a task has a faster way.
  virtual void count_right(const Example& example, std::span<std::int64_t> right) const;

  /// kinds (T) = the kind of each token, as a place in TaskSettings::kinds().
  virtual void find_kinds(const Example& example, std::span<std::int32_t> kinds) const;

  /// values (R, TaskSettings::more_tags()) = what these say of the example's scored positions, row
  /// by row. They are worked out where a model is scored: training does not wait for them.
  /// `trained_length` is the T that the model was trained at. Overwrites the scratch.
  virtual void find_more_tags(const Example& example, std::int64_t trained_length,
                              GeneratorScratch& scratch, std::span<std::int32_t> values) const {
    (void)example, (void)trained_length, (void)scratch, (void)values;
  }
};

/// Each a word of small letters, digits and underscores.
using Names = std::span<const std::string_view>;

/// What a rule reaches on some examples.
struct RuleAccuracy {
  std::string rule;
  double accuracy = 0.0;
  friend bool operator==(const RuleAccuracy&, const RuleAccuracy&) = default;
};

/// What a model is trained on: examples 0..examples-1 of the training split at one length.
struct TrainingSet {
  std::uint64_t seed = 0;  ///< data_seed
  std::int64_t length = 0;
  std::int64_t examples = 0;
};

/// The options of a task, as a configuration's `task:` section gives them, `name` and `data_seed`
/// apart.
class TaskSettings {
 public:
  virtual ~TaskSettings() = default;

  std::int64_t length = 0;  ///< T; every task has one, and scoring at another length replaces it

  /// For rules that know what training can tell, and no option: a cell says what it trains on.
  std::vector<TrainingSet> training;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  /// What is known of a scored position beyond its label, as whole numbers (Example::tags holds
  /// them): slices.csv has the accuracy by value, under these names. The same for all settings.
  [[nodiscard]] virtual Names tags() const noexcept { return {}; }

  /// More of the same, for more_slices.csv: tags that may depend on the whole example or on the
  /// trained length (Task::find_more_tags). A position of which a tag says nothing has kNoTag there
  /// and is in none of its slices; the first tag says something of every position.
  [[nodiscard]] virtual Names more_tags() const noexcept { return {}; }

  /// Rules that know the task and answer from the ids alone: "first" trusts the earliest binding of
  /// a key, "recent" the latest. What a rule reaches (Task::count_right) bounds what can be asked
  /// of a model that learns it: column ceiling_NAME of scores.csv. The same for all settings.
  [[nodiscard]] virtual Names rules() const noexcept { return {}; }

  /// The kinds of tokens that examples consist of, each with a mark of its own
  /// (Task::find_kinds). Nothing is computed from them. The same for all settings.
  [[nodiscard]] virtual TokenKinds kinds() const noexcept { return kOnlyKind; }

  /// What examples of all splits share by design, beyond the rules of the task: "the map from keys
  /// to values"; "": nothing. Scores ask for it again, so examples that splits have in common are
  /// no leak.
  [[nodiscard]] virtual std::string_view shared_by_design() const noexcept { return {}; }

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
