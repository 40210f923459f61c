#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/exchange/predictions.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/examples.hpp"
#include "python/interruptible.hpp"
#include "python/objects.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

/// Answers as a file of predictions would hold them. The bytes are `array`'s.
ArrayView view_of(const py::array& array) {
  ArrayView view;
  const bool ids = array.dtype().kind() == 'i';
  view.name = ids ? "predictions" : "logits";
  view.type = ids ? NumberType::kInt32 : NumberType::kFloat32;
  view.shape.assign(array.shape(), array.shape() + array.ndim());
  view.bytes = {static_cast<const char*>(array.data()), static_cast<std::size_t>(array.nbytes())};
  return view;
}

/// Row-major int32 or float32, copied where it is not.
py::array answers_of(const py::object& given) {
  const py::array array = py::array::ensure(given);
  if (!array) {
    PyErr_Clear();
    throw UsageError("answers must be an array");
  }
  const char kind = array.dtype().kind();
  if (kind == 'f' && array.itemsize() == 4) {
    return py::array_t<float, py::array::c_style | py::array::forcecast>(array);
  }
  if (kind == 'i' && (array.itemsize() == 4 || array.itemsize() == 8)) {
    const py::array_t<std::int32_t, py::array::c_style | py::array::forcecast> ids(array);
    if (!array.attr("__eq__")(ids).attr("all")().cast<bool>()) {
      throw UsageError("answers hold an id that is no int32");
    }
    return ids;
  }
  throw UsageError(fmt::format("answers must be ids (int32 or int64) or logits (float32), not {}",
                               py::str(array.dtype()).cast<std::string>()));
}

py::dict score(const CellRef& ref, const Examples& examples, const py::object& answers,
               const std::string& label, const std::filesystem::path& out,
               std::optional<std::int64_t> seed, int threads) {
  for (const Cell& cell : ref.experiment->cells) {
    if (cell.variant.label != label) continue;
    throw UsageError(fmt::format(
        "label '{}' is the label of a variant of this configuration; take another", label));
  }
  const int team = threads_of(threads);
  const py::array held = answers_of(answers);
  ArrayFile arrays;
  arrays.arrays.push_back(view_of(held));
  arrays.texts["digest"] = examples.digest;
  OutsideScore scored;
  std::filesystem::path folder;
  interruptible([&](const StopRequest& stop) {
    const Cell cell =
        outside_cell(ref.cell(), ref.experiment->name, label, seed.value_or(ref.cell().seed));
    scored = score_predictions(cell, examples.request, arrays, "answers", team, stop);
    folder = add_outside_score(out, ref.experiment->name, cell, scored);
  });
  using namespace py::literals;
  const Score& of = scored.score;
  py::dict told("folder"_a = folder.string(), "split"_a = std::string(name_of(scored.split)),
                "length"_a = of.eval_length, "examples"_a = of.examples, "scored"_a = of.scored,
                "accuracy"_a = of.accuracy, "exact_match"_a = of.exact_match,
                "chance"_a = of.chance);
  told["loss"] = std::isnan(of.loss) ? py::object(py::none()) : py::object(py::float_(of.loss));
  return told;
}

}  // namespace

void bind_score(py::module_& module) {
  module.def(
      "score", &score, py::arg("cell"), py::arg("examples"), py::arg("answers"), py::kw_only(),
      py::arg("label"), py::arg("out") = "results/runs", py::arg("seed") = py::none(),
      py::arg("threads") = 0,
      "Score the answers of another program's model, as `recollect score` does: a cell of its own "
      "in the folder `out`, which tables set beside ours.\n\n"
      "cell, examples: whose examples were answered, cell.examples(\"test\") or \"validation\".\n"
      "answers: ids (N, R), int32 or int64, or logits (N, R, V) float32; what stands where "
      "positions are -1 is not looked at.\n"
      "label: what tables call the model. seed: which of its seeds this is; the cell's without.\n"
      "Returns a dict: folder, split, length, examples, scored, accuracy, exact_match, chance, and "
      "loss, None for ids. Raises FileError, with nothing written, where shapes do not fit, an id "
      "is out of range or a logit is NaN.");
}

}  // namespace recollect::python
