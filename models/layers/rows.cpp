#include "models/layers/rows.hpp"

#include <hwy/highway.h>

#include <algorithm>

namespace recollect {

template <class S>
void gather_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < to.rows(); ++i) to.row(i) = from.row(index[static_cast<std::size_t>(i)]);
}

template <class S>
void add_to_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < from.rows(); ++i) {
    to.row(index[static_cast<std::size_t>(i)]) += from.row(i);
  }
}

template void gather_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);
template void add_to_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);

namespace hn = hwy::HWY_NAMESPACE;

template <>
void gather_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    const float* row = from.data() + index[static_cast<std::size_t>(i)] * from.outerStride();
    std::copy(row, row + to.cols(), to.data() + i * to.outerStride());
  }
}

template <>
void add_to_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const Index whole = to.cols() / lanes * lanes;
  for (Index i = 0; i < from.rows(); ++i) {
    const float* source = from.data() + i * from.outerStride();
    float* target = to.data() + index[static_cast<std::size_t>(i)] * to.outerStride();
    for (Index c = 0; c < whole; c += lanes) {
      hn::StoreU(hn::Add(hn::LoadU(d, target + c), hn::LoadU(d, source + c)), d, target + c);
    }
    for (Index c = whole; c < to.cols(); ++c) target[c] += source[c];
  }
}

}  // namespace recollect
