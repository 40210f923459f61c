#include "harness/train/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/parallel.hpp"

namespace recollect {
namespace {

template <class S>
using Array = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;

constexpr std::size_t kSums = 32;
// Numbers that a thread updates at a time: all five arrays of them fit into the first-level cache.
constexpr std::size_t kPiece = 1024;

}  // namespace

template <class S>
double global_norm(std::span<const S> gradient) {
  // Number i goes to partial sum i % kSums: additions that need not wait for each other, in the
  // same order on every processor.
  std::array<double, kSums> sums{};
  const std::size_t whole = gradient.size() / kSums * kSums;
  for (std::size_t begin = 0; begin < whole; begin += kSums) {
    for (std::size_t i = 0; i < kSums; ++i) {
      const auto number = static_cast<double>(gradient[begin + i]);
      sums[i] += number * number;
    }
  }
  for (std::size_t i = whole; i < gradient.size(); ++i) {
    const auto number = static_cast<double>(gradient[i]);
    sums[i - whole] += number * number;
  }
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

template <class S>
Adam<S>::Adam(const ParameterLayout& layout, const TrainSettings& train)
    : beta1_(train.betas[0]),
      beta2_(train.betas[1]),
      epsilon_(train.epsilon),
      decay_(train.weight_decay),
      clip_(train.clip),
      first_(static_cast<std::size_t>(layout.size()), S(0)),
      second_(static_cast<std::size_t>(layout.size()), S(0)) {
  for (const ParameterInfo& info : layout.all()) {
    const auto end = static_cast<std::size_t>(info.tensor.offset + info.tensor.size());
    for (auto begin = static_cast<std::size_t>(info.tensor.offset); begin < end; begin += kPiece) {
      pieces_.push_back({begin, std::min(kPiece, end - begin), !info.one_dimensional});
    }
  }
}

template <class S>
double Adam<S>::update(std::int64_t step, double rate, std::span<S> gradient, std::span<S> weights,
                       int threads) {
  const double norm = global_norm<S>(gradient);
  const double factor = clip_ > 0.0 ? std::min(1.0, clip_ / (norm + 1e-6)) : 1.0;
  const auto exponent = static_cast<double>(step);
  const S step_size = static_cast<S>(rate / (1.0 - std::pow(beta1_, exponent)));
  const S second_scale = static_cast<S>(1.0 / std::sqrt(1.0 - std::pow(beta2_, exponent)));
  const auto b1 = static_cast<S>(beta1_);
  const auto b2 = static_cast<S>(beta2_);
  const auto c1 = static_cast<S>(1.0 - beta1_);
  const auto c2 = static_cast<S>(1.0 - beta2_);
  const auto epsilon = static_cast<S>(epsilon_);
  parallel_for(static_cast<int>(pieces_.size()), threads, [&](int index, int) {
    const Piece& piece = pieces_[static_cast<std::size_t>(index)];
    const auto at = [&](auto& numbers) {
      return Array<S>(numbers.data() + piece.begin, static_cast<Index>(piece.size));
    };
    Array<S> g = at(gradient);
    Array<S> m = at(first_);
    Array<S> v = at(second_);
    Array<S> p = at(weights);
    if (factor < 1.0) g *= static_cast<S>(factor);
    if (decay_ > 0.0 && piece.decays) p *= static_cast<S>(1.0 - rate * decay_);
    m = b1 * m + c1 * g;
    v = b2 * v + c2 * g.square();
    p -= step_size * m / (v.sqrt() * second_scale + epsilon);
  });
  return norm;
}

template double global_norm<float>(std::span<const float>);
template double global_norm<double>(std::span<const double>);
template class Adam<float>;
template class Adam<double>;

}  // namespace recollect
