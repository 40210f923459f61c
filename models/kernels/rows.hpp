#pragma once

#include <cstdint>
#include <span>

#include "math/view.hpp"

namespace recollect {

/// Rows picked out of a matrix by index, and added back; plain in double, on vectors in float.

/// to.row(i) = from.row(index[i])
template <class S>
void gather_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to);

/// to.row(index[i]) += from.row(i), in the order of i.
template <class S>
void add_to_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to);

template <>
void gather_rows<float>(ConstView<float> from, std::span<const std::int32_t> index, View<float> to);
template <>
void add_to_rows<float>(ConstView<float> from, std::span<const std::int32_t> index, View<float> to);

/// to (n, D) += rows of `from`, row i += from[index[i]].
template <class S>
void add_gathered_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to);
template <>
void add_gathered_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                              View<float> to);

}  // namespace recollect
