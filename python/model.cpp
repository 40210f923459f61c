#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/inspect/trained_model.hpp"
#include "harness/show/shown_example.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "math/parallel.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/interruptible.hpp"
#include "python/objects.hpp"
#include "python/sequences.hpp"
#include "python/values.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

/// A cell's model with weights. Any number of Python's threads may use it, one at a time: before
/// sequences run, a model makes tables for them.
class Model {
 public:
  Model(CellRef ref, SequenceModel<float> model, std::string says)
      : ref_(std::move(ref)), model_(std::move(model)), says_(std::move(says)) {}

  [[nodiscard]] const CellRef& ref() const noexcept { return ref_; }
  [[nodiscard]] const std::string& says() const noexcept { return says_; }

  /// Read-only views of the weights; `self` keeps them alive.
  [[nodiscard]] py::dict weights(const py::object& self) {
    py::dict all;
    for (const ParameterInfo& info : model_.layout().all()) {
      const std::vector<std::int64_t> shape = shape_of(info);
      py::array_t<float> tensor(std::vector<py::ssize_t>(shape.begin(), shape.end()),
                                model_.parameters().data() + info.tensor.offset, self);
      tensor.attr("setflags")(py::arg("write") = false);
      all[py::str(info.name)] = std::move(tensor);
    }
    return all;
  }

  [[nodiscard]] py::array_t<float> logits(const py::object& ids, const py::object& positions,
                                          int threads) {
    const Sequences input = sequences_of(ids, positions, model_.vocab());
    const std::int64_t vocab = model_.vocab();
    std::vector<float> all;
    run(
        input, threads, [&] { all.resize(input.places() * static_cast<std::size_t>(vocab)); },
        [&](Lane<float>& lane, std::size_t i) {
          float* const out = all.data() + i * input.scored * static_cast<std::size_t>(vocab);
          const auto rows = static_cast<Index>(input.positions[i].size());
          (void)model_.forward(input.input(i), lane.workspace,
                               recollect::view(out, rows, static_cast<Index>(vocab)));
        });
    std::vector<py::ssize_t> shape = input.shape();
    shape.push_back(static_cast<py::ssize_t>(vocab));
    return array_of(std::move(all), std::move(shape));
  }

  [[nodiscard]] py::array_t<std::int32_t> predict(const py::object& ids,
                                                  const py::object& positions, int threads) {
    const Sequences input = sequences_of(ids, positions, model_.vocab());
    std::vector<std::int32_t> all;
    run(
        input, threads, [&] { all.resize(input.places(), -1); },
        [&](Lane<float>& lane, std::size_t i) {
          (void)model_.score(input.input(i), lane.workspace,
                             std::span(all).subspan(i * input.scored, input.positions[i].size()));
        });
    return array_of(std::move(all), input.shape());
  }

  [[nodiscard]] py::list inspect(const py::object& ids) {
    const Sequences input = sequences_of(ids, py::none(), model_.vocab());
    if (input.ids.size() != 1 || input.batched) {
      throw UsageError("ids must have the shape (T): one sequence is inspected at a time");
    }
    std::vector<LayerInspection> layers;
    run(
        input, 1, [] {},
        [&](Lane<float>& lane, std::size_t) {
          layers = model_.inspect(input.ids[0], lane.workspace);
        });
    py::list all;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      LayerInspection& layer = layers[l];
      const auto heads = static_cast<py::ssize_t>(layer.heads);
      const auto tokens = static_cast<py::ssize_t>(layer.tokens);
      const auto levels = static_cast<py::ssize_t>(layer.levels);
      py::dict shown;
      const auto add = [&](const char* name, std::vector<double>&& values,
                           std::vector<py::ssize_t> shape) {
        shown[name] = values.empty() ? py::object(py::none())
                                     : py::object(array_of(std::move(values), std::move(shape)));
      };
      shown["mixer"] = std::string(ref_.cell().variant.layers[l]->name());
      add("lambda", std::move(layer.lambda), {heads, tokens, levels});
      add("gate", std::move(layer.gate), {heads, tokens});
      add("beta", std::move(layer.beta), {heads, tokens});
      all.append(std::move(shown));
    }
    return all;
  }

  [[nodiscard]] py::dict score(const std::string& split, std::optional<std::int64_t> length,
                               std::optional<std::int64_t> examples, int threads) {
    const Cell& cell = ref_.cell();
    const Split which = split_named(split);
    const std::int64_t count = examples.value_or(examples_of(cell, which));
    const TaskPart part = part_at(cell, which, length.value_or(cell.task->length));
    if (count < 1) throw UsageError(fmt::format("examples = {} must be 1 or more", count));
    const int team = threads_of(threads);
    Score score;
    interruptible([&](const StopRequest& stop) {
      const std::lock_guard lock(*guard_);
      score = recollect::score(model_, cell, which, *part.task, count, team,
                               /*with_slices=*/false, stop);
    });
    py::dict ceilings;
    for (const RuleAccuracy& rule : score.rules) ceilings[py::str(rule.rule)] = rule.accuracy;
    using namespace py::literals;
    return py::dict("split"_a = split, "length"_a = score.eval_length,
                    "examples"_a = score.examples, "scored"_a = score.scored,
                    "accuracy"_a = score.accuracy, "exact_match"_a = score.exact_match,
                    "loss"_a = score.loss, "chance"_a = score.chance, "ceilings"_a = ceilings,
                    "unseen_level"_a = score.unseen_level);
  }

 private:
  /// Calls prepare(), then each(lane, i) for every sequence, without the interpreter's lock; it can
  /// be interrupted between two sequences.
  template <class Prepare, class Each>
  void run(const Sequences& input, int threads, Prepare&& prepare, Each&& each) {
    const int team = threads_of(threads);
    const auto compute = [&](const StopRequest& stop) {
      const std::lock_guard lock(*guard_);
      prepare();
      model_.begin_step({input.longest, input.tokens, team});
      std::vector<Lane<float>> lanes(static_cast<std::size_t>(team));
      parallel_for(static_cast<int>(input.ids.size()), team, [&](int i, int thread) {
        if (stop.requested()) return;
        each(lanes[static_cast<std::size_t>(thread)], static_cast<std::size_t>(i));
      });
      stop.check();
    };
    if (takes_a_moment(input)) {
      const py::gil_scoped_release unlocked;
      compute(StopRequest::never());
    } else {
      interruptible(compute);
    }
  }

  /// Less than some tens of milliseconds, or what cannot be stopped: not worth a thread of its own.
  [[nodiscard]] bool takes_a_moment(const Sequences& input) const {
    constexpr double kShort = 5e8;  // multiply-adds
    if (input.ids.size() <= 1) return true;
    const auto queries = std::min(static_cast<std::int64_t>(input.scored), input.longest);
    const double each = model_.cost({input.longest, queries, false}).multiply_adds;
    return each * static_cast<double>(input.ids.size()) < kShort;
  }

  CellRef ref_;
  SequenceModel<float> model_;
  std::string says_;
  std::unique_ptr<std::mutex> guard_ = std::make_unique<std::mutex>();  // over the model
};

std::unique_ptr<Model> opened(TrainedModel trained) {
  SequenceModel<float> model = load_model(trained);
  CellRef ref{std::make_shared<const Experiment>(std::move(trained.experiment)), trained.place};
  return std::make_unique<Model>(std::move(ref), std::move(model), std::move(trained.says));
}

std::unique_ptr<Model> open_model(const std::filesystem::path& path, const Experiment* experiment,
                                  const std::optional<std::string>& weights,
                                  const std::optional<std::string>& label,
                                  std::optional<std::int64_t> seed) {
  if (weights && *weights != "best" && *weights != "final") {
    throw UsageError(fmt::format("weights '{}' are unknown; choose best or final", *weights));
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    if (experiment != nullptr || label || seed) {
      throw UsageError(
          "the folder of a cell says what it is; experiment, label and seed are for a file of "
          "weights");
    }
    return opened(model_of_folder(path, weights == "final" ? Weights::kFinal : Weights::kBest));
  }
  if (weights) {
    throw UsageError("weights chooses among those of a cell's folder, and a file is given");
  }
  if (experiment == nullptr) {
    throw UsageError(
        "experiment is missing: a file of weights needs the configuration that it was trained "
        "with");
  }
  return opened(model_of_file(path, *experiment, {label, seed}));
}

py::tuple read_weights(const std::filesystem::path& path) {
  WeightsFile file;
  {
    const py::gil_scoped_release unlocked;
    file = read_safetensors(path);
  }
  py::dict tensors;
  for (NamedTensor& tensor : file.tensors) {
    std::vector<py::ssize_t> shape(tensor.shape.begin(), tensor.shape.end());
    tensors[py::str(tensor.name)] = array_of(std::move(tensor.data), std::move(shape));
  }
  return py::make_tuple(tensors, py::cast(file.metadata));
}

}  // namespace

void bind_model(py::module_& module) {
  py::class_<Model>(module, "Model", "The model of a cell, with weights.")
      .def_property_readonly(
          "cell", [](const Model& model) { return model.ref(); }, "The Cell that it is of.")
      .def_property_readonly(
          "origin", [](const Model& model) { return model.says(); },
          "Where its weights come from, \"best weights, step 4200, cell c6ee...\".")
      .def_property_readonly(
          "weights", [](const py::object& self) { return self.cast<Model&>().weights(self); },
          "A dict from the tensors' names to float32 arrays that show the model's own numbers and "
          "cannot be written to: torch.tensor(array) or array.copy() gives one's own.")
      .def("logits", &Model::logits, py::arg("ids"), py::arg("positions") = py::none(),
           py::kw_only(), py::arg("threads") = 0,
           "Logits at chosen positions, as scoring computes them.\n\n"
           "ids: (N, T) or (T), integers in 0..V-1.\n"
           "positions: (N, R), or (R) for every sequence, ascending in 0..T-1; -1 behind them "
           "where a sequence has fewer. None: every position.\n"
           "Returns (N, R, V) float32, or (R, V) for one sequence; 0 where positions are -1.")
      .def("predict", &Model::predict, py::arg("ids"), py::arg("positions") = py::none(),
           py::kw_only(), py::arg("threads") = 0,
           "The id with the largest logit, the first of equals, where logits() would give V "
           "numbers. Returns (N, R) or (R) int32; -1 where positions are -1.")
      .def("inspect", &Model::inspect, py::arg("ids"),
           "What each layer shows of one sequence, ids (T), as `recollect inspect` computes it. A "
           "list with a dict for each layer: mixer, its name; lambda, the weights of levels (H, T, "
           "L); gate, the log of the decay from the token before (H, T); beta, how strongly a "
           "token is written (H, T): float64 arrays, None where the mixer has no such thing.")
      .def("score", &Model::score, py::arg("split") = "test", py::kw_only(),
           py::arg("length") = py::none(), py::arg("examples") = py::none(), py::arg("threads") = 0,
           "How it does on examples of a split, train, validation or test, at a length (the "
           "trained one) and on so many (as many as the cell looks at). A dict: split, length, "
           "examples, scored, accuracy, exact_match, loss in nats, chance, ceilings (a dict by "
           "rule), unseen_level.")
      .def("__repr__", [](const Model& model) {
        return fmt::format("<recollect.Model of {}: {}>", model.ref().cell().variant.label,
                           model.says());
      });
  py::class_<CellRef> cell(module.attr("Cell"));
  cell.def(
      "initial_model",
      [](const CellRef& ref) {
        return std::make_unique<Model>(ref, build_model(ref.cell()), "initial weights");
      },
      py::call_guard<py::gil_scoped_release>(), "The Model before its first step.");
  module.def("open_model", &open_model, py::arg("path"), py::arg("experiment") = py::none(),
             py::kw_only(), py::arg("weights") = py::none(), py::arg("label") = py::none(),
             py::arg("seed") = py::none(), py::call_guard<py::gil_scoped_release>(),
             "The Model of trained weights.\n\n"
             "path: the folder of a cell, OUT/cells/HASH, of which weights may be best (without, "
             "these) or final; or a file of weights, which needs the experiment that it was "
             "trained with, and a label and a seed where that does not tell the cell.");
  module.def("read_weights", &read_weights, py::arg("path"),
             "The tensors of a .safetensors file of float32: a pair of a dict from names to arrays "
             "and a dict of the file's metadata.");
}

}  // namespace recollect::python
