#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/grid.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/pattern.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/settings.hpp"

namespace recollect {

/// The task and the lists of tasks as the configuration gives them: what the maps of the lists
/// leave out is the task's.
struct WrittenTask {
  std::shared_ptr<TaskSettings> task;
  std::vector<std::string> mixture;  ///< of train
  std::vector<std::string> cells;    ///< of eval
};

/// The sections of one combination of the grid, each read, resolved and valid by itself; before
/// variants and seeds are crossed in.
struct Draft {
  std::shared_ptr<TaskSettings> task;  ///< of a mixture its longest component
  WrittenTask written;
  std::optional<std::int64_t> data_seed;
  ModelOptions model;
  TrainSettings train;
  EvalSettings eval;
  std::vector<TaskPart> mixture;  ///< of train
  std::vector<TaskPart> scored;   ///< of eval.cells
  Pattern pattern;                ///< of the model or the grid
  PlaceMap places;
};

/// One entry of `variants:` as written.
struct VariantEntry : WrittenMixer {
  std::string label;
  Pattern pattern;  ///< of its own map
};

/// A configuration as read, before its cells are laid out.
struct Plan {
  std::string experiment;
  std::vector<GridAxis> axes;
  std::vector<GridPoint> points;
  std::vector<Draft> drafts;  ///< one a point
  std::vector<VariantEntry> variants;
  std::vector<std::int64_t> seeds;
};

}  // namespace recollect
