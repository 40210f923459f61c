#include "models/layers/rotary.hpp"

#include <cmath>
#include <numbers>

#include "core/portable_math.hpp"

namespace recollect {

template <class S>
void Rotary<S>::prepare(Index length) {
  if (cosine_.rows() >= length) return;
  const Index half = head_width_ / 2;
  cosine_.resize(length, half);
  sine_.resize(length, half);
  for (Index i = 0; i < half; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head_width_);
    const double turns_per_token =
        portable::exp(exponent * portable::log(10000.0)) / (2.0 * std::numbers::pi);
    for (Index t = 0; t < length; ++t) {
      const double turns = static_cast<double>(t) * turns_per_token;
      const double fraction = turns - std::floor(turns);
      cosine_(t, i) = static_cast<S>(portable::cos_turn(fraction));
      sine_(t, i) = static_cast<S>(portable::sin_turn(fraction));
    }
  }
}

template <class S>
void Rotary<S>::turn(std::span<const std::int32_t> positions, View<S> x, bool back) const {
  const Index half = head_width_ / 2;
  for (Index r = 0; r < x.rows(); ++r) {
    const Index position = positions.empty() ? r : positions[static_cast<std::size_t>(r)];
    for (Index first = 0; first < x.cols(); first += head_width_) {
      for (Index i = 0; i < half; ++i) {
        S& low = x(r, first + i);
        S& high = x(r, first + half + i);
        const S c = cosine_(position, i);
        const S s = back ? -sine_(position, i) : sine_(position, i);
        const S turned = low * c - high * s;
        high = high * c + low * s;
        low = turned;
      }
    }
  }
}

template class Rotary<float>;
template class Rotary<double>;

}  // namespace recollect
