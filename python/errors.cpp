#include "python/errors.hpp"

#include <exception>
#include <filesystem>
#include <initializer_list>
#include <new>
#include <system_error>

#include "base/failure.hpp"
#include "python/bindings.hpp"

namespace recollect::python {
namespace {

namespace py = pybind11;

// The module has one reference to each, which it never gives up.
struct Classes {
  PyObject* error;
  PyObject* configuration;
  PyObject* file;
  PyObject* usage;
  PyObject* memory;
};
Classes classes;

PyObject* add_class(py::module_& module, const char* name, const char* doc, int status,
                    std::initializer_list<PyObject*> bases) {
  py::list list;
  for (PyObject* base : bases) list.append(py::reinterpret_borrow<py::object>(base));
  py::dict members;
  members["status"] = status;
  PyObject* made = PyErr_NewExceptionWithDoc((std::string("recollect.") + name).c_str(), doc,
                                             py::tuple(list).ptr(), members.ptr());
  if (made == nullptr) throw py::error_already_set();
  module.add_object(name, made);
  return made;
}

/// The class of an exception; null where it is not ours to translate.
PyObject* class_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    switch (error.status()) {
      case ExitStatus::kConfiguration:
        return classes.configuration;
      case ExitStatus::kInputOutput:
        return classes.file;
      case ExitStatus::kUsage:
        return classes.usage;
      default:
        return classes.error;
    }
  } catch (const std::bad_alloc&) {
    return classes.memory;
  } catch (const std::system_error&) {  // a filesystem_error is one
    return classes.file;
  } catch (...) {
    return nullptr;
  }
}

void translate(std::exception_ptr exception) {  // NOLINT(performance-unnecessary-value-param)
  if (!exception) return;
  PyObject* const type = class_of(exception);
  if (type == nullptr) std::rethrow_exception(exception);
  const Failure failure = failure_of(exception);
  const py::object raised = py::reinterpret_borrow<py::object>(type)(failure.line);
  raised.attr("status") = failure.status;
  PyErr_SetObject(type, raised.ptr());
}

}  // namespace

void bind_errors(py::module_& module) {
  classes.error = add_class(
      module, "Error",
      "The root of what this module raises: str(error) is the line that the program prints behind "
      "its name, error.status the exit status that it ends with.",
      kInternalError, {PyExc_Exception});
  classes.configuration =
      add_class(module, "ConfigurationError",
                "The configuration cannot be run; nothing was written. status 3.",
                static_cast<int>(ExitStatus::kConfiguration), {classes.error, PyExc_ValueError});
  classes.file =
      add_class(module, "FileError",
                "Files, space or permissions; or a file that is not what it should be. "
                "status 5.",
                static_cast<int>(ExitStatus::kInputOutput), {classes.error, PyExc_OSError});
  classes.usage =
      add_class(module, "UsageError", "An argument is wrong. status 64.",
                static_cast<int>(ExitStatus::kUsage), {classes.error, PyExc_ValueError});
  classes.memory =
      add_class(module, "OutOfMemory", "Not enough memory. status 5.",
                static_cast<int>(ExitStatus::kInputOutput), {classes.error, PyExc_MemoryError});
  add_class(module, "CellsFailed",
            "Cells of a run failed or diverged; the others are done. status 4. error.summary is "
            "the RunSummary, with a line for each of them.",
            static_cast<int>(ExitStatus::kCellsFailed), {classes.error});
  py::register_exception_translator(&translate);
}

}  // namespace recollect::python
