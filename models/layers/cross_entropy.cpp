#include "models/layers/cross_entropy.hpp"

#include <cmath>

namespace recollect {

template <class S>
CrossEntropy cross_entropy(std::span<const std::int32_t> labels, S scale, View<S> logits) {
  CrossEntropy total;
  for (Index r = 0; r < logits.rows(); ++r) {
    const Index label = labels[static_cast<std::size_t>(r)];
    auto row = logits.row(r).array();
    Index best = 0;
    const S largest = row.maxCoeff(&best);
    const S at_label = row(label);
    if (scale == S(0)) {
      total.loss += std::log(static_cast<double>((row - largest).exp().sum()));
    } else {
      row = (row - largest).exp();
      const S sum = row.sum();
      total.loss += std::log(static_cast<double>(sum));
      row *= scale / sum;
      row(label) -= scale;
    }
    total.loss += static_cast<double>(largest - at_label);
    total.correct += best == label ? 1 : 0;
  }
  return total;
}

template CrossEntropy cross_entropy<float>(std::span<const std::int32_t>, float, View<float>);
template CrossEntropy cross_entropy<double>(std::span<const std::int32_t>, double, View<double>);

}  // namespace recollect
