#include "models/layers/cross_entropy.hpp"

#include <limits>

#include "math/eigen.hpp"
#include "math/portable_math.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {

namespace {

template <class S>
struct RowOutcome {
  S largest;
  S sum;       ///< of exp(row - largest)
  bool first;  ///< the label's is the first of the largest
};

/// Where `scale` is not zero, the row becomes scale * softmax(row).
template <class S>
RowOutcome<S> softmax(Index cols, Index label, S scale, S* numbers) {
  VectorView<S> row(numbers, cols);
  Index best = 0;
  const S largest = row.maxCoeff(&best);
  const auto powers = (row.array() - largest).exp();
  if (scale == S(0)) return {largest, powers.sum(), best == label};
  row = powers;
  const S sum = row.sum();
  row *= scale / sum;
  return {largest, sum, best == label};
}

// The same in single precision, on vectors.
RowOutcome<float> softmax(Index cols, Index label, float scale, float* row) {
  using namespace simd;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  Sixteen top = sixteen(kLowest);
  for_each_sixteen(cols, [&](Index c, auto part) RECOLLECT_INLINE {
    top = max(top, keep16(load16(row + c, part), part, kLowest));
  });
  const float largest = simd::largest(top);
  const Vector highest = broadcast(largest);
  bool first = row[label] == largest;
  if (first) {
    for_each_vector(label, [&](Index c, auto part) RECOLLECT_INLINE {
      const Vector earlier = keep(load(row + c, part), part, broadcast(kLowest));
      first = first && hn::AllFalse(Lanes(), hn::Eq(earlier, highest));
    });
  }
  Sixteen total = sixteen(0);
  for_each_sixteen(cols, [&](Index c, auto part) RECOLLECT_INLINE {
    const Sixteen powers = map([&](Vector v) RECOLLECT_INLINE { return exp(hn::Sub(v, highest)); },
                               load16(row + c, part));
    if (scale != 0.0F) store16(powers, row + c, part);
    total = total + keep16(powers, part, 0);
  });
  const float sum = simd::sum(total);
  if (scale != 0.0F) {
    const Vector factor = broadcast(scale / sum);
    for_each_vector(cols, [&](Index c, auto part) RECOLLECT_INLINE {
      store(hn::Mul(load(row + c, part), factor), row + c, part);
    });
  }
  return {largest, sum, first};
}

}  // namespace

template <class S>
void cross_entropy(std::span<const std::int32_t> labels, S scale, View<S> logits,
                   CrossEntropy& total) {
  for (Index r = 0; r < logits.rows(); ++r) {
    const Index label = labels[static_cast<std::size_t>(r)];
    S* row = logits.data() + r * logits.stride();
    const S at_label = row[label];
    const RowOutcome<S> outcome = softmax(logits.cols(), label, scale, row);
    if (scale != S(0)) row[label] -= scale;
    total.loss += portable::log(static_cast<double>(outcome.sum));
    total.loss += static_cast<double>(outcome.largest - at_label);
    total.correct += outcome.first ? 1 : 0;
  }
}

template void cross_entropy<float>(std::span<const std::int32_t>, float, View<float>,
                                   CrossEntropy&);
template void cross_entropy<double>(std::span<const std::int32_t>, double, View<double>,
                                    CrossEntropy&);

}  // namespace recollect
