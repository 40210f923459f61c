#include "harness/train/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "math/parallel.hpp"
#include "math/portable_math.hpp"

namespace recollect {
namespace {

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
      pieces_.push_back(
          {begin, std::min(kPiece, end - begin), train.decay_all || !info.one_dimensional});
    }
  }
}

template <class S>
double Adam<S>::update(std::int64_t step, double rate, std::span<S> gradient, std::span<S> weights,
                       int threads) {
  const double norm = global_norm<S>(gradient);
  const auto clipped = static_cast<S>(clip_ > 0.0 ? std::min(1.0, clip_ / (norm + 1e-6)) : 1.0);
  const auto exponent = static_cast<std::uint64_t>(step);
  const S step_size = static_cast<S>(rate / (1.0 - portable::power(beta1_, exponent)));
  const S second_scale = static_cast<S>(1.0 / std::sqrt(1.0 - portable::power(beta2_, exponent)));
  const auto b1 = static_cast<S>(beta1_);
  const auto b2 = static_cast<S>(beta2_);
  const auto c1 = static_cast<S>(1.0 - beta1_);
  const auto c2 = static_cast<S>(1.0 - beta2_);
  const auto epsilon = static_cast<S>(epsilon_);
  parallel_for(static_cast<int>(pieces_.size()), threads, [&](int index, int) {
    const Piece& piece = pieces_[static_cast<std::size_t>(index)];
    S* __restrict g = gradient.data() + piece.begin;
    S* __restrict m = first_.data() + piece.begin;
    S* __restrict v = second_.data() + piece.begin;
    S* __restrict p = weights.data() + piece.begin;
    const S keep = decay_ > 0.0 && piece.decays ? static_cast<S>(1.0 - rate * decay_) : S(1);
    // A plain loop: the compiler makes vectors of it, and every operation is rounded as IEEE 754
    // says. Eigen would take an approximate root, which differs from one processor to another.
    for (std::size_t i = 0; i < piece.size; ++i) {
      g[i] *= clipped;
      m[i] = b1 * m[i] + c1 * g[i];
      v[i] = b2 * v[i] + c2 * (g[i] * g[i]);
      p[i] = p[i] * keep - step_size * m[i] / (std::sqrt(v[i]) * second_scale + epsilon);
    }
  });
  return norm;
}

template double global_norm<float>(std::span<const float>);
template double global_norm<double>(std::span<const double>);
template class Adam<float>;
template class Adam<double>;

}  // namespace recollect
