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
    add(view(source.state.data(), key_width_, value_width_),
        view(target.state.data(), key_width_, value_width_));
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
  const auto key_row = [&](const S* elements) { return view(elements, 1, key_width_); };

  if (tokens_ > 0 && !lambda.empty()) {
    const Index carry = std::countr_zero(static_cast<std::uint64_t>(tokens_));
    for (Index l = 0; l <= carry; ++l) merge(l, carry + 1);
  }
  const S decay = portable::exp(g);
  for (Level& each : levels_) {
    if (!each.held) continue;
    for (S& element : each.state) element *= decay;
  }
  Level& newest = level(0);
  // Without levels one state takes everything.
  newest.state.resize(static_cast<std::size_t>(key_width_ * value_width_));
  product_tn<S>(key_row(k), view(v, 1, value_width_),
                view(newest.state.data(), key_width_, value_width_),
                newest.held ? Write::kAccumulate : Write::kOverwrite);
  if (!newest.held) ++held_;
  newest.held = true;
  ++tokens_;

  std::fill_n(y, value_width_, S(0));
  for (Index l = 0; l < static_cast<Index>(levels_.size()); ++l) {
    const Level& each = levels_[static_cast<std::size_t>(l)];
    if (!each.held) continue;
    const S weight =
        lambda.empty()
            ? S(1)
            : lambda[static_cast<std::size_t>(std::min(l, static_cast<Index>(lambda.size()) - 1))];
    read_.resize(static_cast<std::size_t>(value_width_));
    product_nn<S>(key_row(q), view(each.state.data(), key_width_, value_width_),
                  view(read_.data(), 1, value_width_));
    for (Index i = 0; i < value_width_; ++i) y[i] += weight * read_[static_cast<std::size_t>(i)];
  }
}

template class LogLinearRecurrent<float>;
template class LogLinearRecurrent<double>;

}  // namespace recollect
