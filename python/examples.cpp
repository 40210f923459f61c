#include "python/examples.hpp"

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/exchange/example_set.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/interruptible.hpp"
#include "python/objects.hpp"
#include "python/values.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

Examples examples_of(const CellRef& ref, const std::string& split,
                     std::optional<std::int64_t> length, std::optional<std::int64_t> count,
                     std::optional<std::int64_t> part,
                     const std::optional<std::pair<std::int64_t, std::int64_t>>& steps,
                     int threads) {
  ExampleRequest request{
      .split = split_named(split), .part = part, .length = length, .count = count};
  if (steps) request.steps = StepRange{steps->first, steps->second};
  const int team = threads_of(threads);
  ExampleSet set;
  interruptible([&](const StopRequest& stop) {
    set = make_examples(ref.cell(), ref.experiment->name, request, team, stop);
  });
  Examples examples;
  const std::vector<py::ssize_t> scored{set.examples, set.scored};
  examples.ids = array_of(std::move(set.ids), {set.examples, set.length});
  examples.positions = array_of(std::move(set.positions), scored);
  examples.labels = array_of(std::move(set.labels), scored);
  for (TagArray& tag : set.tags) {
    examples.tags[py::str(tag.name)] = array_of(std::move(tag.values), scored);
  }
  examples.steps = set.steps.empty() ? py::object(py::none())
                                     : py::object(array_of(std::move(set.steps), {set.examples}));
  examples.vocab = set.vocab;
  examples.digest = std::move(set.digest);
  examples.settings = std::move(set.settings);
  examples.request = request;
  return examples;
}

}  // namespace

void bind_examples(py::module_& module) {
  py::class_<Examples>(module, "Examples",
                       "Examples of a split as NumPy arrays of int32, number for number those that "
                       "training and scoring see. T and R are the most that any of them can have; "
                       "elsewhere stands -1.")
      .def_readonly("ids", &Examples::ids, "(N, T) in 0..V-1.")
      .def_readonly("positions", &Examples::positions,
                    "(N, R) in 0..T-1, ascending: where an answer is due.")
      .def_readonly("labels", &Examples::labels, "(N, R) in 0..V-1: the answers.")
      .def_readonly("tags", &Examples::tags, "A dict from the task's tags, such as lag, to (N, R).")
      .def_readonly("steps", &Examples::steps,
                    "(N) the training step that each is of; None unless steps were asked for.")
      .def_readonly("vocab", &Examples::vocab, "V.")
      .def_readonly("digest", &Examples::digest,
                    "128-bit XXH3 over ids, positions and labels: 32 hexadecimal digits, by which "
                    "predictions are known to be of these examples.")
      .def_readonly("settings", &Examples::settings, "The cell as YAML, below comments.")
      .def("__len__", [](const Examples& examples) { return examples.ids.shape(0); })
      .def("__repr__", [](const Examples& examples) {
        return fmt::format("<recollect.Examples: {} of {} tokens, {} scored, digest {}>",
                           examples.ids.shape(0), examples.ids.shape(1),
                           examples.positions.shape(1), examples.digest);
      });
  py::class_<CellRef> cell(module.attr("Cell"));
  cell.def(
      "examples", &examples_of, py::arg("split") = "test", py::kw_only(),
      py::arg("length") = py::none(), py::arg("count") = py::none(), py::arg("part") = py::none(),
      py::arg("steps") = py::none(), py::arg("threads") = 0,
      "Examples 0..count-1 of a split: train, validation or test. Without count as many as "
      "the cell looks at, without length those of the trained one; part, from 1, chooses among "
      "the entries of a mixture or of eval.cells. steps=(first, last), from 1 and both "
      "included, gives the very batches of these training steps instead.");
}

}  // namespace recollect::python
