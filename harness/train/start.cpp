#include "harness/train/start.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/pinned_file.hpp"
#include "base/text.hpp"
#include "harness/config/initial_weights.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect {
namespace {

/// @param use  takes each tensor that fits, with its place in the model
template <class Use>
void fit(const Cell& cell, const ParameterLayout& layout, const Use& use) {
  const TrainSettings& train = cell.train;
  if (train.init == kDrawn) return;
  const std::string path = pinned_file(train.init).path;
  if (!train.initial) {
    throw IoError(fmt::format("{} is not there, and training starts from it", path));
  }
  const auto shown = [](const auto& shape) {
    return printable(fmt::format("[{}]", fmt::join(shape, ", ")));
  };
  const std::string model = fmt::format("the model of {}", printable(cell.variant.label));
  std::set<std::string> found;
  for (const InitialWeights::Tensor& tensor : train.initial->tensors) {
    const ParameterInfo* info = layout.find(tensor.name);
    if (info == nullptr) {
      if (train.init_partial) continue;
      throw IoError(
          fmt::format("{}: tensor '{}' is none of {}; leave it out, or add "
                      "--init-partial",
                      path, printable(tensor.name), model));
    }
    const std::vector<std::int64_t> wanted = shape_of(*info);
    if (tensor.shape != wanted) {
      throw IoError(fmt::format("{}: tensor '{}' has shape {}, but {} needs {}", path, tensor.name,
                                shown(tensor.shape), model, shown(wanted)));
    }
    found.insert(tensor.name);
    use(tensor, *info);
  }
  if (train.init_partial) return;
  for (const ParameterInfo& info : layout.all()) {
    if (found.contains(info.name)) continue;
    throw IoError(
        fmt::format("{}: tensor '{}' of {} is missing; add it, or --init-partial to draw "
                    "what is missing",
                    path, info.name, model));
  }
}

}  // namespace

void put_initial_weights(const Cell& cell, SequenceModel<float>& model) {
  fit(cell, model.layout(), [&](const InitialWeights::Tensor& tensor, const ParameterInfo& info) {
    std::copy(tensor.data.begin(), tensor.data.end(),
              model.parameters().begin() + info.tensor.offset);
  });
}

void check_initial_weights(const Experiment& experiment) {
  for (const Cell& cell : experiment.cells) {
    if (cell.train.init == kDrawn) continue;
    fit(cell, model_sizes(cell).layout(), [](const auto&, const auto&) {});
  }
}

}  // namespace recollect
