#include "models/kernels/rows.hpp"

#include "math/eigen.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {

template <class S>
void gather_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < to.rows(); ++i)
    eigen(to).row(i) = eigen(from).row(index[static_cast<std::size_t>(i)]);
}

template <class S>
void add_to_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < from.rows(); ++i) {
    eigen(to).row(index[static_cast<std::size_t>(i)]) += eigen(from).row(i);
  }
}

template <class S>
void add_gathered_rows(ConstView<S> from, std::span<const std::int32_t> index, View<S> to) {
  for (Index i = 0; i < to.rows(); ++i)
    eigen(to).row(i) += eigen(from).row(index[static_cast<std::size_t>(i)]);
}

template void gather_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);
template void add_to_rows<double>(ConstView<double>, std::span<const std::int32_t>, View<double>);
template void add_gathered_rows<double>(ConstView<double>, std::span<const std::int32_t>,
                                        View<double>);

template <>
void gather_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  for (Index i = 0; i < to.rows(); ++i) {
    const float* source = from.data() + index[static_cast<std::size_t>(i)] * from.stride();
    float* target = to.data() + i * to.stride();
    simd::for_each_vector(to.cols(), [&](Index c, auto part) {
      simd::store(simd::load(source + c, part), target + c, part);
    });
  }
}

template <>
void add_to_rows<float>(ConstView<float> from, std::span<const std::int32_t> index,
                        View<float> to) {
  for (Index i = 0; i < from.rows(); ++i) {
    const float* source = from.data() + i * from.stride();
    float* target = to.data() + index[static_cast<std::size_t>(i)] * to.stride();
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
    const float* source = from.data() + index[static_cast<std::size_t>(i)] * from.stride();
    float* target = to.data() + i * to.stride();
    simd::for_each_vector(to.cols(), [&](Index c, auto part) {
      simd::store(simd::hn::Add(simd::load(target + c, part), simd::load(source + c, part)),
                  target + c, part);
    });
  }
}

}  // namespace recollect
