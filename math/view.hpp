#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

namespace recollect {

using Index = std::ptrdiff_t;

/// A matrix that lies elsewhere, row-major throughout: row t of an activation is token t. It may be
/// a column block of a wider matrix (one head's columns), so it carries the distance between its
/// rows. Copying a view copies no elements, and a view is bound once: elements are copied by
/// copy().
template <class T>
class View {
 public:
  using Element = std::remove_const_t<T>;

  View() = default;
  View(T* data, Index rows, Index cols, Index stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  /// Elements that may be written may be read.
  // NOLINTNEXTLINE(google-explicit-constructor): as a pointer converts
  View(const View<Element>& other) requires std::is_const_v<T>
      : View(other.data(), other.rows(), other.cols(), other.stride()) {}
  View(const View&) = default;
  View& operator=(const View&) = delete;
  ~View() = default;

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] Index rows() const noexcept { return rows_; }
  [[nodiscard]] Index cols() const noexcept { return cols_; }
  /// From the first element of a row to that of the next.
  [[nodiscard]] Index stride() const noexcept { return stride_; }
  [[nodiscard]] Index size() const noexcept { return rows_ * cols_; }
  [[nodiscard]] bool contiguous() const noexcept { return stride_ == cols_ || rows_ <= 1; }

  [[nodiscard]] T& operator()(Index row, Index col) const {
    assert(row >= 0 && row < rows_ && col >= 0 && col < cols_);
    return data_[row * stride_ + col];
  }
  [[nodiscard]] std::span<T> row(Index index) const {
    assert(index >= 0 && index < rows_);
    return {data_ + index * stride_, static_cast<std::size_t>(cols_)};
  }

 private:
  T* data_ = nullptr;
  Index rows_ = 0;
  Index cols_ = 0;
  Index stride_ = 0;
};

/// A matrix that is only read. As a parameter it takes both kinds of view: S follows from another
/// argument, or is named.
template <class S>
using ConstView = std::type_identity_t<View<const S>>;

/// A (rows, cols) matrix whose rows lie one after another.
template <class T>
[[nodiscard]] View<T> view(T* data, Index rows, Index cols) {
  return {data, rows, cols, cols};
}

/// Columns first .. first + count - 1 of every row.
template <class T>
[[nodiscard]] View<T> columns(View<T> m, Index first, Index count) {
  assert(first >= 0 && count >= 0 && first + count <= m.cols());
  return {m.data() + first, m.rows(), count, m.stride()};
}

/// Rows first .. first + count - 1.
template <class T>
[[nodiscard]] View<T> rows(View<T> m, Index first, Index count) {
  assert(first >= 0 && count >= 0 && first + count <= m.rows());
  return {m.data() + first * m.stride(), count, m.cols(), m.stride()};
}

/// Calls body(element of to, element of from) for the elements of two matrices of one shape.
template <class T, class U, class Body>
void for_each_element(View<T> to, View<U> from, Body&& body) {
  assert(to.rows() == from.rows() && to.cols() == from.cols());
  const bool flat = to.contiguous() && from.contiguous();
  const Index rows = flat ? 1 : to.rows();
  const Index cols = flat ? to.size() : to.cols();
  for (Index r = 0; r < rows; ++r) {
    T* t = to.data() + r * to.stride();
    U* f = from.data() + r * from.stride();
    for (Index c = 0; c < cols; ++c) body(t[c], f[c]);
  }
}

template <class S>
void fill(View<S> to, S value) {
  for (Index r = 0; r < to.rows(); ++r) std::fill_n(to.data() + r * to.stride(), to.cols(), value);
}
template <class S>
void set_zero(View<S> to) {
  fill(to, S(0));
}
/// to = from
template <class T, class S>
void copy(View<T> from, View<S> to) {
  for_each_element(to, from, [](S& t, T& f) { t = f; });
}
/// to += from
template <class T, class S>
void add(View<T> from, View<S> to) {
  for_each_element(to, from, [](S& t, T& f) { t += f; });
}

}  // namespace recollect
