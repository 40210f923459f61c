#include "harness/inspect/inspected_weights.hpp"

#include <algorithm>

#include "harness/inspect/trained_model.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect {

/// An inspection lives no longer than its cell.
struct InspectedWeights::Entry {
  TrainedModel trained;
  Inspection inspection;
};

InspectedWeights::InspectedWeights() = default;
InspectedWeights::~InspectedWeights() = default;

const Inspection& InspectedWeights::of(const Archive& archive, const std::string& label) {
  std::unique_ptr<Entry>& entry = entries_[{archive.path.string(), label}];
  if (entry) return entry->inspection;
  auto fresh = std::make_unique<Entry>();
  fresh->trained = model_of_file(archive.path / "weights" / (file_stem(label) + ".safetensors"),
                                 archive.file.experiment, {label, std::nullopt});
  const Cell& cell = fresh->trained.cell();
  SequenceModel<float> model = load_model(fresh->trained);
  fresh->inspection =
      inspect_cell({cell, fresh->trained.place + 1, fresh->trained.experiment.cells.size()}, model,
                   default_request(cell, Split::kTest));
  fresh->inspection.weights = fresh->trained.says;
  entry = std::move(fresh);
  return entry->inspection;
}

}  // namespace recollect
