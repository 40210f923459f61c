#include "python/interruptible.hpp"

#include <pybind11/pybind11.h>
#include <signal.h>

#include <chrono>
#include <exception>
#include <future>
#include <utility>

namespace recollect::python {
namespace {

namespace py = pybind11;

/// False while it goes on, after a moment: as long as a Ctrl-C may wait.
bool ends(const std::future<void>& work) {
  constexpr std::chrono::milliseconds kMoment{50};
  const py::gil_scoped_release unlocked;
  return work.wait_for(kMoment) == std::future_status::ready;
}

}  // namespace

void interruptible(const std::function<void(const StopRequest& stop)>& work) {
  StopRequest stop;
  std::exception_ptr raised;
  std::future<void> done = std::async(std::launch::async, [&] { work(stop); });
  while (!ends(done)) {
    if (PyErr_CheckSignals() == 0) continue;
    const std::exception_ptr now = std::make_exception_ptr(py::error_already_set());
    if (!raised) raised = now;
    stop.request(SIGINT);
  }
  if (raised) std::rethrow_exception(raised);
  done.get();
}

}  // namespace recollect::python
