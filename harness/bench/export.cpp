#include "harness/bench/export.hpp"

#include <string>
#include <vector>

#include "base/build_info.hpp"
#include "harness/bench/outputs.hpp"
#include "harness/config/model_options.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/trainer.hpp"

namespace recollect {
namespace {

/// Tensors on their way into a file: weights of a model, or anything else with a name.
class TensorList {
 public:
  /// Rows of equal length; one row with `vector` set has one dimension.
  template <class Numbers>
  void add(const std::string& name, Index rows, bool vector, const Numbers& numbers) {
    const auto size = static_cast<Index>(numbers.size());
    if (vector) {
      (void)layout_.add_vector(name, size, Fill::kConstant, 0.0);
    } else {
      (void)layout_.add_matrix(name, rows, size / rows, Fill::kConstant, 0.0);
    }
    for (const auto number : numbers) data_.push_back(static_cast<float>(number));
  }

  void save(const std::filesystem::path& path, const Metadata& metadata) const {
    save_weights(path, layout_, data_, metadata);
  }

 private:
  ParameterLayout layout_;
  std::vector<float> data_;
};

template <class Number>
std::span<const Number> part(std::span<const Number> all, const ParameterInfo& info) {
  return all.subspan(static_cast<std::size_t>(info.tensor.offset),
                     static_cast<std::size_t>(info.tensor.size()));
}

}  // namespace

void export_batch(const Cell& cell, const std::filesystem::path& path) {
  const SequenceModel<float> model = build_model(cell);
  const std::vector<Example> examples = ready_examples(cell, cell.train.batch);
  const Outputs outputs =
      outputs_of<float>(cell, {}, model.parameters(), examples,
                        cell.train.batch * cell.task->length, BenchMode::kTrain);

  TensorList tensors;
  for (const ParameterInfo& info : model.layout().all()) {
    tensors.add(info.name, info.tensor.rows, info.one_dimensional, part(model.parameters(), info));
  }
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> labels;
  for (const Example& example : examples) {
    ids.insert(ids.end(), example.ids.begin(), example.ids.end());
    positions.insert(positions.end(), example.positions.begin(), example.positions.end());
    labels.insert(labels.end(), example.labels.begin(), example.labels.end());
  }
  tensors.add("ids", cell.train.batch, false, ids);
  tensors.add("positions", cell.train.batch, false, positions);
  tensors.add("labels", cell.train.batch, false, labels);
  tensors.add("loss", 1, true, std::vector<double>{outputs.loss});
  for (const ParameterInfo& info : model.layout().all()) {
    tensors.add("gradient." + info.name, info.tensor.rows, info.one_dimensional,
                part(std::span<const double>(outputs.numbers), info));
  }

  Metadata metadata = {{"variant", cell.variant.name},
                       {"levels", std::to_string(cell.levels)},
                       {"batch", std::to_string(cell.train.batch)},
                       {"seed", std::to_string(cell.seed)},
                       {"code_version", std::string(code_version())}};
  for (const auto& [name, text] : option_texts(cell.variant)) metadata["model." + name] = text;
  const std::unique_ptr<TaskSettings> task = cell.task->clone();
  for (const Field& field : task->fields()) metadata["task." + field.name] = field.text();
  tensors.save(path, metadata);
}

}  // namespace recollect
