#pragma once

#include <pybind11/pybind11.h>

namespace recollect::python {

/// Each adds one concept to the module. Whatever computes releases the interpreter's lock; what may
/// take long is interruptible() besides.
void bind_errors(pybind11::module_& module);
void bind_configuration(pybind11::module_& module);
void bind_examples(pybind11::module_& module);
void bind_model(pybind11::module_& module);
void bind_score(pybind11::module_& module);
void bind_run(pybind11::module_& module);
void bind_tables(pybind11::module_& module);

}  // namespace recollect::python
