#include "harness/plot/trained_maps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/inspect/inspected_weights.hpp"
#include "harness/inspect/trained_model.hpp"
#include "harness/plot/lambda.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect::plot {
namespace {

class Maps {
 public:
  explicit Maps(std::vector<std::string>& notes) : notes_(notes) {}

  void add_archive(const Archive& archive) {
    std::set<std::string> seen;
    for (const Cell& cell : archive.file.experiment.cells) {
      const std::string& label = cell.variant.label;
      if (!cell.variant.has_levels() || !seen.insert(label).second) continue;
      if (!file_exists(archive.path / "weights" / (file_stem(label) + ".safetensors"))) continue;
      InspectedWeights weights;
      attempt(archive.file.experiment.name, label,
              [&] { add(archive.file.experiment.name, weights.of(archive, label)); });
    }
  }

  void add_cell(const std::filesystem::path& folder, const std::string& experiment,
                const std::string& label) {
    attempt(experiment, label, [&] {
      const TrainedModel trained = model_of_folder(folder, Weights::kBest);
      if (!trained.cell().variant.has_levels()) return;
      SequenceModel<float> model = load_model(trained);
      Inspection inspection =
          inspect_cell({trained.cell(), trained.place + 1, trained.experiment.cells.size()}, model,
                       default_request(trained.cell(), Split::kTest));
      inspection.weights = trained.says;
      add(experiment, inspection);
    });
  }

  [[nodiscard]] std::vector<TrainedMap> take() { return std::move(maps_); }

 private:
  template <class Make>
  void attempt(const std::string& experiment, const std::string& label, const Make& make) {
    try {
      make();
    } catch (const std::exception& error) {
      notes_.push_back(fmt::format("no picture lambda of {}, {}: {}", printable(experiment),
                                   printable(label), error.what()));
    }
  }

  void add(const std::string& experiment, const Inspection& inspection) {
    Drawn drawn = draw_lambda(inspection);
    if (!drawn.figure) {
      notes_.push_back(fmt::format("no picture lambda of {}, {}: {}", printable(experiment),
                                   printable(inspection.label), drawn.why_not));
      return;
    }
    TrainedMap map{experiment, {inspection.variant, inspection.label}, {}, {}};
    for (std::size_t l = 0; l < inspection.layers.size(); ++l) {
      const std::vector<HeadInspection>& heads = inspection.layers[l].heads;
      for (std::size_t h = 0; h < heads.size(); ++h) {
        if (!heads[h].shares) continue;
        map.indices.emplace_back(
            heads.size() == 1 ? fmt::format("layer {}", l) : fmt::format("layer {}, head {}", l, h),
            heads[h].shares->inputs);
      }
    }
    map.figure = std::move(*drawn.figure);
    map.figure.name =
        fmt::format("lambda-{}-{}", file_stem(experiment), file_stem(inspection.label));
    maps_.push_back(std::move(map));
  }

  std::vector<std::string>& notes_;
  std::vector<TrainedMap> maps_;
};

}  // namespace

std::vector<TrainedMap> trained_maps(const std::filesystem::path& results,
                                     const std::vector<CellResult>& cells,
                                     std::vector<std::string>& notes) {
  Maps maps(notes);
  if (!std::filesystem::is_directory(results)) return {};
  std::set<std::string> experiments;
  for (const CellResult& cell : cells) experiments.insert(cell.experiment);
  if (!std::filesystem::is_directory(results / "experiments")) {
    for (const std::filesystem::path& place : archive_paths(results)) {
      if (!std::filesystem::is_directory(place / "weights")) continue;
      const Archive archive = read_archive(place);
      if (experiments.contains(archive.file.experiment.name)) maps.add_archive(archive);
    }
    return maps.take();
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (const CellResult& cell : cells) {
    if (!cell.score || seen.contains({cell.experiment, cell.label})) continue;
    const std::filesystem::path folder = results / "cells" / cell.cell;
    if (!file_exists(folder / "best.safetensors")) continue;
    seen.insert({cell.experiment, cell.label});
    maps.add_cell(folder, cell.experiment, cell.label);
  }
  return maps.take();
}

}  // namespace recollect::plot
