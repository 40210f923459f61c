#include "models/kernels/rows.hpp"

#include "models/kernels/simd.hpp"

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

template <class S>
void add_gathered_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < to.rows(); ++i) to.row(i) += from.row(index[static_cast<std::size_t>(i)]);
}

template void gather_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);
template void add_to_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);
template void add_gathered_rows<double>(ConstView<double>, std::span<const std::int32_t>,
                                        View<double>);

template <>
void gather_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    const float* source = from.data() + index[static_cast<std::size_t>(i)] * from.outerStride();
    float* target = to.data() + i * to.outerStride();
    simd::for_each_vector(to.cols(), [&](Index c, auto part) {
      simd::store(simd::load(source + c, part), target + c, part);
    });
  }
}

template <>
void add_to_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  for (Index i = 0; i < from.rows(); ++i) {
    const float* source = from.data() + i * from.outerStride();
    float* target = to.data() + index[static_cast<std::size_t>(i)] * to.outerStride();
    simd::for_each_vector(to.cols(), [&](Index c, auto part) {
      simd::store(simd::hn::Add(simd::load(target + c, part), simd::load(source + c, part)),
                  target + c, part);
    });
  }
}

template <>
void add_gathered_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                              View<float> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    const float* source = from.data() + index[static_cast<std::size_t>(i)] * from.outerStride();
    float* target = to.data() + i * to.outerStride();
    simd::for_each_vector(to.cols(), [&](Index c, auto part) {
      simd::store(simd::hn::Add(simd::load(target + c, part), simd::load(source + c, part)),
                  target + c, part);
    });
  }
}

}  // namespace recollect
