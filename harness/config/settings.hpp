#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hpp"
#include "harness/config/selection.hpp"
#include "models/mixer_settings.hpp"
#include "models/settings.hpp"
#include "tasks/task.hpp"

namespace recollect {

class ModelOptions;  // harness/config/model_options.hpp

/// Seeds are at most 2^53, so that every reader of CSV and JSON takes them exactly.
inline constexpr std::int64_t kMaxSeed = std::int64_t{1} << 53;

enum class Schedule { kConstant, kCosine, kCosineEpoch };
enum class ExampleOrder { kShuffled, kInOrder };
/// What a training step learns to answer.
enum class TrainLoss {
  kAnswers,    ///< the labels of the scored positions
  kNextToken,  ///< and, at every other position but the last, the next token
};
enum class UnseenLevels { kError, kClamp, kAsIs };

struct InitialWeights;  // harness/config/initial_weights.hpp

/// TrainSettings::init of weights that are drawn.
inline constexpr const char* kDrawn = "drawn";

/// How a model is trained.
struct TrainSettings {
  std::optional<std::int64_t> examples = 10000;  ///< absent: `online`, fresh examples for ever
  std::int64_t validation_examples = 1000;
  std::int64_t batch = 64;
  std::int64_t steps = 5000;  ///< with `epochs`: as many as these take
  std::optional<std::int64_t> epochs;
  /// Maps of task options and `examples`, as YAML writes them; Cell::mixture holds what they say.
  std::vector<std::string> mixture;
  ExampleOrder order = ExampleOrder::kShuffled;  ///< of an epoch's examples and batches
  double learning_rate = 1e-3;
  std::vector<double> betas = {0.9, 0.999};
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  bool decay_all = false;  ///< weight decay on every tensor
  double clip = 1.0;       ///< largest global gradient norm; 0: no clipping
  Schedule schedule = Schedule::kConstant;
  double min_learning_rate = 0.0;  ///< where cosine schedules end
  std::int64_t warmup = 0;
  std::optional<std::int64_t> eval_every = 100;  ///< absent: an epoch
  std::optional<double> stop_at;                 ///< absent: train for all steps
  Selection selection;
  TrainLoss loss = TrainLoss::kAnswers;
  std::optional<std::int64_t> select_length;  ///< absent: task.length
  std::optional<std::int64_t> order_seed;     ///< absent: the cell's seed, or examples online
  /// PATH@DIGEST of tensors that training starts from (base/pinned_file.hpp).
  std::string init = kDrawn;
  bool init_partial =
      false;  ///< tensors may be missing, which are drawn, or be none of the model's
  /// What init names; none where results are read without the file.
  std::shared_ptr<const InitialWeights> initial;

  /// Batches that hold every example once; 0 where batches are drawn anew at each step. Derived.
  std::int64_t steps_per_epoch = 0;

  /// Steps between validations.
  [[nodiscard]] std::int64_t interval() const noexcept {
    return eval_every.value_or(steps_per_epoch);
  }

  [[nodiscard]] Fields fields();
  void validate() const;         ///< @throws FieldError
  void validate_warmup() const;  ///< once epochs are counted in steps @throws FieldError
};

/// How a trained model is scored.
struct EvalSettings {
  std::vector<std::int64_t> lengths;  ///< empty until resolved: [task.length]
  /// Maps of task options and `examples`, as YAML writes them, in place of lengths.
  std::vector<std::string> cells;
  std::int64_t examples = 1000;
  UnseenLevels unseen_levels = UnseenLevels::kClamp;

  [[nodiscard]] Fields fields();
};

/// One entry of `variants:`: a mixer and the model around it, with the entry's own options applied.
struct VariantSettings {
  std::string name;   ///< of the mixer
  std::string label;  ///< what tables call it; the name, unless given
  ModelSettings model;
  std::shared_ptr<const MixerSettings> mixer;
  /// One a layer: `mixer`, but for what the pattern says.
  std::vector<std::shared_ptr<const MixerSettings>> layers;
  /// All that `model:` says for this entry: tables list options that the mixer has no use for too.
  std::shared_ptr<const ModelOptions> given;

  /// Whether any layer weighs levels.
  [[nodiscard]] bool has_levels() const;
};

/// Entries of a mixture: each has a column of its own.
inline constexpr std::size_t kMostComponents = 32;

/// A task at the settings of one entry of `train.mixture` or `eval.cells`.
struct TaskPart {
  std::shared_ptr<const TaskSettings> task;
  std::int64_t examples = 0;
  /// The options, length apart, that some entry of its list gives, with their values here.
  std::map<std::string, std::string> settings = {};
};

/// One cell: a (task, model, variant and training settings, seed). The unit of work and of resume.
/// Everything in it is resolved: no option is left to a default that depends on another.
struct Cell {
  std::shared_ptr<const TaskSettings> task;  ///< of a mixture: its longest component
  VariantSettings variant;
  std::int64_t levels = 1;        ///< L of the model
  std::vector<TaskPart> mixture;  ///< components, each with its training examples; empty: `task`
  std::vector<TaskPart> scored;   ///< what eval.cells lists; empty: `task` at eval.lengths
  TrainSettings train;
  EvalSettings eval;
  std::int64_t seed = 0;
  std::int64_t data_seed = 0;
  std::int64_t order_seed = 0;

  /// What decides weights, history and selection, as far as it differs from the defaults: sorted
  /// "key: value" lines. Scoring options are not in it.
  [[nodiscard]] std::string identity() const;
  /// Sixteen hexadecimal digits of identity() and numerics_version: the name of the cell's folder.
  [[nodiscard]] std::string hash() const;
  /// The whole resolved cell as YAML, itself a configuration that gives exactly this cell.
  [[nodiscard]] std::string yaml(const std::string& experiment) const;
};

/// Raised whenever a default or the numbers themselves change.
inline constexpr int kNumericsVersion = 3;

/// A whole valid configuration.
struct Experiment {
  std::string name;
  std::string file;      ///< as given on the command line
  std::string resolved;  ///< the resolved configuration as YAML; fed back, it gives the same cells
  /// Grid x variants x seeds, less the grid's values that a variant does not take; no two with the
  /// same hash.
  std::vector<Cell> cells;
  /// Lengths that need levels beyond the trained ones; crossed options without effect on a variant.
  std::vector<std::string> warnings;
};

}  // namespace recollect
