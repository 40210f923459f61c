#include <fmt/format.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/config/emit.hpp"
#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/objects.hpp"
#include "python/values.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;
using ReleaseLock = py::call_guard<py::gil_scoped_release>;

py::dict options_of(const Fields& fields) {
  py::dict options;
  for (const Field& field : fields) {
    if (!field.decided) options[py::str(field.name)] = object_of(field);
  }
  return options;
}

/// Settings declare their options on members that can be written, so a copy of each is asked.
py::dict settings_of(const CellRef& ref) {
  const Cell& cell = ref.cell();
  const std::unique_ptr<TaskSettings> task = cell.task->clone();
  py::dict task_options;
  task_options["name"] = std::string(task->name());
  task_options["data_seed"] = cell.data_seed;
  for (const auto& [key, value] : options_of(task->fields())) task_options[key] = value;
  ModelSettings model = cell.variant.model;
  const std::unique_ptr<MixerSettings> mixer = cell.variant.mixer->clone();
  TrainSettings train = cell.train;
  EvalSettings eval = cell.eval;
  py::dict settings;
  settings["task"] = task_options;
  settings["model"] = options_of(model_fields(model, *mixer));
  settings["train"] = options_of(train.fields());
  settings["eval"] = options_of(eval.fields());
  return settings;
}

std::vector<std::string> layers_of(const CellRef& ref) {
  std::vector<std::string> names;
  for (const auto& mixer : ref.cell().variant.layers) names.emplace_back(mixer->name());
  return names;
}

std::vector<CellRef> cells_of(const SharedExperiment& experiment) {
  std::vector<CellRef> cells;
  for (std::size_t i = 0; i < experiment->cells.size(); ++i) cells.push_back({experiment, i});
  return cells;
}

void bind_cell(py::module_& module) {
  py::class_<CellRef>(module, "Cell",
                      "One training run: a task, a variant, training settings and a seed.")
      .def_property_readonly(
          "number", [](const CellRef& ref) { return ref.place + 1; },
          "Its place among the experiment's cells, from 1, as messages and --cell count.")
      .def_property_readonly(
          "hash", [](const CellRef& ref) { return ref.cell().hash(); },
          "Sixteen hexadecimal digits: the name of its folder, OUT/cells/HASH.")
      .def_property_readonly(
          "variant", [](const CellRef& ref) { return ref.cell().variant.name; },
          "The variant's name, \"adaptive-decay\".")
      .def_property_readonly(
          "label", [](const CellRef& ref) { return ref.cell().variant.label; },
          "What tables call it; the variant's name unless the configuration gives another.")
      .def_property_readonly(
          "task", [](const CellRef& ref) { return std::string(ref.cell().task->name()); },
          "The task's name, \"mqar\".")
      .def_property_readonly(
          "seed", [](const CellRef& ref) { return ref.cell().seed; }, "The seed.")
      .def_property_readonly(
          "data_seed", [](const CellRef& ref) { return ref.cell().data_seed; },
          "The seed of the examples.")
      .def_property_readonly(
          "order_seed", [](const CellRef& ref) { return ref.cell().order_seed; },
          "The seed of the order in which training sees them.")
      .def_property_readonly(
          "length", [](const CellRef& ref) { return ref.cell().task->length; },
          "T, tokens of a training example; of a mixture, of its longest component.")
      .def_property_readonly(
          "vocab", [](const CellRef& ref) { return ref.cell().task->make()->vocab(); },
          "V, the number of ids.")
      .def_property_readonly(
          "levels", [](const CellRef& ref) { return ref.cell().levels; },
          "L, levels that the model has weights for.")
      .def_property_readonly("layers", &layers_of,
                             "The name of each layer's mixer, the first one first.")
      .def_property_readonly(
          "settings", &settings_of,
          "Every option with its value: a dict of the sections task, model, train and eval. None: "
          "absent. Lists of maps (mixtures, eval.cells, patterns) are texts, as YAML writes them.")
      .def_property_readonly(
          "yaml", [](const CellRef& ref) { return ref.cell().yaml(ref.experiment->name); },
          "A configuration that gives this very cell, as OUT/cells/HASH/config.yaml holds it.")
      .def("__repr__", [](const CellRef& ref) {
        return fmt::format("<recollect.Cell {} of {}: {}, {}, seed {}, {}>", ref.place + 1,
                           ref.experiment->cells.size(), ref.cell().variant.label,
                           ref.cell().task->name(), ref.cell().seed, ref.cell().hash());
      });
}

}  // namespace

void bind_configuration(py::module_& module) {
  bind_cell(module);
  py::class_<Experiment, std::shared_ptr<Experiment>>(
      module, "Experiment", "A whole valid configuration, laid out as cells.")
      .def_property_readonly(
          "name", [](const Experiment& experiment) { return experiment.name; },
          "As the configuration says.")
      .def_property_readonly(
          "cells",
          [](const std::shared_ptr<Experiment>& experiment) { return cells_of(experiment); },
          "A list of Cell, in the order of the dry run.")
      .def_property_readonly(
          "warnings", [](const Experiment& experiment) { return experiment.warnings; },
          "Lines that `recollect run` prints before it begins.")
      .def_property_readonly(
          "yaml", [](const Experiment& experiment) { return experiment.resolved; },
          "The configuration with every default written out; read again, it gives the same cells.")
      .def("__repr__", [](const Experiment& experiment) {
        return fmt::format("<recollect.Experiment {}: {} cells>", experiment.name,
                           experiment.cells.size());
      });
  module.def(
      "_load",
      [](const std::filesystem::path& path, const std::vector<std::string>& overrides) {
        return std::make_shared<Experiment>(load_experiment(path.string(), overrides));
      },
      py::arg("path"), py::arg("overrides"), ReleaseLock());
  module.def(
      "_parse",
      [](const std::string& text, const std::vector<std::string>& overrides,
         const std::string& name) {
        return std::make_shared<Experiment>(parse_experiment(text, name, overrides));
      },
      py::arg("text"), py::arg("overrides"), py::arg("name"), ReleaseLock());
}

}  // namespace recollect::python
