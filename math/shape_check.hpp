#pragma once

#include <cassert>
#include <cstddef>
#include <initializer_list>

/// RECOLLECT_CHECK(condition, view...): an assertion about the shapes of views. The program of the
/// contracts (tests/contracts) is compiled with RECOLLECT_SHAPE_ERRORS, where a condition that does
/// not hold names the variant and the tensor; else it is an assert.
#ifdef RECOLLECT_SHAPE_ERRORS

namespace recollect {

struct CheckedView {
  const void* data;
  std::ptrdiff_t rows;
  std::ptrdiff_t cols;
};
/// Reports and ends the program.
[[noreturn]] void shape_error(const char* condition, std::initializer_list<CheckedView> views);

template <class... Views>
[[noreturn]] void shape_error_of(const char* condition, const Views&... views) {
  shape_error(condition, {CheckedView{views.data(), views.rows(), views.cols()}...});
}

}  // namespace recollect

#define RECOLLECT_CHECK(condition, ...) \
  ((condition) ? void() : ::recollect::shape_error_of(#condition, __VA_ARGS__))
#else
#define RECOLLECT_CHECK(condition, ...) assert(condition)
#endif
