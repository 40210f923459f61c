#include "models/linear_attention/recurrent.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "math/portable_math.hpp"
#include "models/kernels/products.hpp"

namespace recollect {

template <class S>
auto LogLinearRecurrent<S>::level(Index l) -> Level& {
  if (static_cast<Index>(levels_.size()) <= l) levels_.resize(static_cast<std::size_t>(l) + 1);
  return levels_[static_cast<std::size_t>(l)];
}

template <class S>
void LogLinearRecurrent<S>::merge(Index from, Index to) {
  level(to);  // may grow the list, so before taking references
  Level& source = level(from);
  Level& target = level(to);
  if (!source.held) return;
  if (target.held) {
    target.state += source.state;
    ++merges_;
    --held_;
  } else {
    std::swap(target.state, source.state);
    target.held = true;
  }
  source.held = false;
}

template <class S>
void LogLinearRecurrent<S>::step(const S* q, const S* k, const S* v, S g, std::span<const S> lambda,
                                 S* y) {
  const auto row = [&](const S* numbers) { return view(numbers, 1, width_); };
  VectorView<S> result(y, width_);

  if (tokens_ > 0 && !lambda.empty()) {
    const Index carry = std::countr_zero(static_cast<std::uint64_t>(tokens_));
    for (Index l = 0; l <= carry; ++l) merge(l, carry + 1);
  }
  const S decay = portable::exp(g);
  for (Level& each : levels_) {
    if (each.held) each.state *= decay;
  }
  Level& newest = level(0);
  // Without levels one state takes everything.
  newest.state.resize(width_, width_);
  product_tn<S>(row(k), row(v), view(newest.state.data(), width_, width_),
                newest.held ? Write::kAccumulate : Write::kOverwrite);
  if (!newest.held) ++held_;
  newest.held = true;
  ++tokens_;

  result.setZero();
  for (Index l = 0; l < static_cast<Index>(levels_.size()); ++l) {
    const Level& each = levels_[static_cast<std::size_t>(l)];
    if (!each.held) continue;
    const S weight =
        lambda.empty()
            ? S(1)
            : lambda[static_cast<std::size_t>(std::min(l, static_cast<Index>(lambda.size()) - 1))];
    read_.resize(width_);
    product_nn<S>(row(q), view(each.state.data(), width_, width_), view(read_.data(), 1, width_));
    result += weight * read_;
  }
}

template class LogLinearRecurrent<float>;
template class LogLinearRecurrent<double>;

}  // namespace recollect
