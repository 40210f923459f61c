#include <fmt/format.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <signal.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/config/initial_weights.hpp"
#include "harness/config/load.hpp"
#include "harness/results/write_tables.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/leakage.hpp"
#include "math/parallel.hpp"
#include "python/bindings.hpp"
#include "python/errors.hpp"
#include "python/objects.hpp"
#include "python/told_events.hpp"
#include "python/values.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

/// How a run ended, for Python.
struct Ended {
  std::shared_ptr<Experiment> given;       ///< by the caller
  std::shared_ptr<Experiment> experiment;  ///< that was run: `given`, or made of it by `init`
  std::filesystem::path out;
  RunSummary summary;
  std::vector<std::string> tables;
  bool stopped = false;

  /// Of a cell of either experiment, or of another.
  [[nodiscard]] std::filesystem::path folder(const CellRef& ref) const {
    const bool made = ref.experiment == given && ref.place < experiment->cells.size();
    const Cell& cell = made ? experiment->cells[ref.place] : ref.cell();
    return out / "cells" / cell.hash();
  }
};

/// The same with other initial weights, as `run --init` has them.
std::shared_ptr<Experiment> with_init(const std::shared_ptr<Experiment>& given,
                                      const std::optional<std::filesystem::path>& init,
                                      bool partial) {
  if (!init) return given;
  auto made = std::make_shared<Experiment>(
      parse_experiment(given->resolved, given->file, overrides_of_init(*init, partial)));
  made->warnings = given->warnings;
  return made;
}

/// Warnings become Python's, which may be told to be errors.
void warn(const std::string& text) {
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 2) != 0) throw py::error_already_set();
}

/// The run goes on in a thread of its own, and this one tells its events to Python and looks for
/// Ctrl-C.
class Conversation {
 public:
  Conversation(py::object progress, ToldEvents& events, StopRequest& stop)
      : progress_(std::move(progress)), events_(events), stop_(stop) {}

  /// Until the run is over.
  void hold() {
    while (true) {
      std::optional<Json> event;
      bool ended = false;
      {
        const py::gil_scoped_release unlocked;
        event = events_.next();
        ended = events_.ended();
      }
      if (event) {
        tell(*event);
        events_.told();
      }
      if (PyErr_CheckSignals() != 0) keep_failure();
      if (ended && !event) return;
    }
  }

  [[nodiscard]] bool asked_to_stop() const noexcept { return asked_; }
  /// What Python raised meanwhile.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void tell(const Json& event) {
    if (failure_) return;
    try {
      const py::object answer = progress_(object_of(event));
      if (!answer.is(py::bool_(false))) return;
      asked_ = true;
      stop_.request(SIGINT);
    } catch (...) {
      failure_ = std::current_exception();
      stop_.request(SIGINT);
    }
  }

  void keep_failure() {
    try {
      throw py::error_already_set();
    } catch (py::error_already_set&) {
      if (!failure_) failure_ = std::current_exception();
    }
    stop_.request(SIGINT);
  }

  py::object progress_;
  ToldEvents& events_;
  StopRequest& stop_;
  bool asked_ = false;
  std::exception_ptr failure_;
};

Shard shard_of(const std::optional<std::pair<int, int>>& given) {
  if (!given) return {};
  const auto [index, count] = *given;
  constexpr int kMost = 1000000;
  if (index < 1 || index > count || count > kMost) {
    throw UsageError(
        fmt::format("shard ({}, {}) is not a part (i, n) with 1 <= i <= n", index, count));
  }
  return {index, count};
}

Ended run(const std::shared_ptr<Experiment>& given, const std::filesystem::path& out,
          py::object progress, int jobs, int threads,
          const std::optional<std::pair<int, int>>& shard,
          const std::vector<std::filesystem::path>& reuse,
          const std::optional<std::filesystem::path>& init, bool init_partial,
          double checkpoint_seconds, std::int64_t checkpoint_steps, double step_seconds) {
  if (jobs < 0) throw UsageError(fmt::format("jobs = {} must be 0 or more", jobs));
  if (threads < 0) throw UsageError(fmt::format("threads = {} must be 0 or more", threads));
  if (init && init->empty()) throw UsageError("init is empty; give the path of a file");
  if (init_partial && !init) throw UsageError("init_partial requires init");
  RunOptions how{.jobs = jobs, .threads = threads, .shard = shard_of(shard)};
  const CheckpointInterval checkpoint{.seconds = checkpoint_seconds, .steps = checkpoint_steps};
  std::shared_ptr<Experiment> experiment;
  std::string leak;
  std::optional<ArchiveShelf> archives;
  {
    const py::gil_scoped_release unlocked;
    experiment = with_init(given, init, init_partial);
    check_initial_weights(*experiment);
    leak = leakage_warning(count_leakage(cells_of(*experiment, how.shard), available_cores()));
    archives.emplace(reuse);
  }
  how.reuse = &*archives;
  for (const std::string& warning : experiment->warnings) warn(warning);
  if (!leak.empty()) warn(leak);

  Ended ended{given, experiment, out, {}, {}, false};
  StopRequest stop;
  ToldEvents events(out.string(), !progress.is_none(), step_seconds);
  Conversation conversation(std::move(progress), events, stop);
  std::exception_ptr failure;
  std::thread worker([&] {
    try {
      ended.summary = run_experiment(*experiment, out, how, events, {stop, checkpoint});
    } catch (...) {
      failure = std::current_exception();
    }
    events.end();
  });
  conversation.hold();
  worker.join();
  conversation.rethrow();
  if (failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const Interrupted&) {
      if (!conversation.asked_to_stop()) throw;
    }
    ended.stopped = true;
    return ended;
  }
  if (ended.summary.read_only) return ended;
  const py::gil_scoped_release unlocked;
  WrittenTables tables = write_tables(out, experiment->name);
  if (tables.none && ended.summary.problems.empty() && ended.summary.finished > 0) {
    throw IoError(*tables.none);
  }
  ended.tables = std::move(tables.paths);
  return ended;
}

}  // namespace

void bind_run(py::module_& module) {
  py::class_<Ended>(module, "RunSummary",
                    "How a run ended; cells of earlier runs are counted with it.")
      .def_property_readonly(
          "out", [](const Ended& ended) { return ended.out.string(); }, "The folder of results.")
      .def_property_readonly(
          "finished", [](const Ended& ended) { return ended.summary.finished; },
          "How many cells are finished; 0 where it was stopped.")
      .def_property_readonly(
          "problems", [](const Ended& ended) { return ended.summary.problems; },
          "A line for each cell that failed or diverged.")
      .def_property_readonly(
          "tables", [](const Ended& ended) { return ended.tables; },
          "Paths of the tables that were written; none where it was stopped.")
      .def_property_readonly(
          "stopped", [](const Ended& ended) { return ended.stopped; },
          "Whether the callback stopped it; the same call goes on from there.")
      .def_property_readonly(
          "experiment", [](const Ended& ended) { return ended.experiment; },
          "The Experiment that was run; with init, its cells are those that start from these "
          "weights.")
      .def(
          "folder",
          [](const Ended& ended, const CellRef& cell) { return ended.folder(cell).string(); },
          py::arg("cell"),
          "OUT/cells/HASH of a cell. With init, a cell of the experiment that was given stands for "
          "the one that starts from these weights.")
      .def("__repr__", [](const Ended& ended) {
        return fmt::format("<recollect.RunSummary {}: {} finished, {} failed or diverged{}>",
                           ended.out.string(), ended.summary.finished,
                           ended.summary.problems.size(), ended.stopped ? ", stopped" : "");
      });
  module.def("_run", &run, py::arg("experiment"), py::arg("out"), py::arg("progress"),
             py::arg("jobs"), py::arg("threads"), py::arg("shard"), py::arg("reuse"),
             py::arg("init"), py::arg("init_partial"), py::arg("checkpoint_seconds"),
             py::arg("checkpoint_steps"), py::arg("step_seconds"));
}

}  // namespace recollect::python
