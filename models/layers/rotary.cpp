#include "models/layers/rotary.hpp"

#include <cmath>
#include <numbers>
#include <type_traits>

#include "math/portable_math.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {

template <class S>
void Rotary<S>::prepare(Index length) {
  if (length_ >= length) return;
  length_ = length;
  const Index half = head_width_ / 2;
  cosine_.resize(static_cast<std::size_t>(length * half));
  sine_.resize(cosine_.size());
  for (Index i = 0; i < half; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head_width_);
    const double turns_per_token =
        portable::exp(exponent * portable::log(10000.0)) / (2.0 * std::numbers::pi);
    for (Index t = 0; t < length; ++t) {
      const double turns = static_cast<double>(t) * turns_per_token;
      const double fraction = turns - std::floor(turns);
      const auto place = static_cast<std::size_t>(t * half + i);
      cosine_[place] = static_cast<S>(portable::cos_turn(fraction));
      sine_[place] = static_cast<S>(portable::sin_turn(fraction));
    }
  }
}

namespace {

/// Turns all heads of one row; cosine and sine (d/2).
template <class S>
void turn_row(const S* cosine, const S* sine, bool back, Index head_width, Index cols, S* row) {
  const Index half = head_width / 2;
  for (Index first = 0; first < cols; first += head_width) {
    for (Index i = 0; i < half; ++i) {
      S& low = row[first + i];
      S& high = row[first + half + i];
      const S c = cosine[i];
      const S s = back ? -sine[i] : sine[i];
      const S turned = low * c - high * s;
      high = high * c + low * s;
      low = turned;
    }
  }
}

// The same in single precision, on vectors.

namespace hn = simd::hn;
using simd::Vector;

/// Where whole heads fit into a vector: the numbers that turn together change places in it.
class Swap {
 public:
  explicit Swap(Index head_width) {
    const Index half = head_width / 2;
    for (Index lane = 0; lane < simd::kLanes; ++lane) {
      const Index i = lane % head_width;
      partner_[lane] = static_cast<std::int32_t>(i < half ? lane + half : lane - half);
      angle_[lane] = static_cast<std::int32_t>(i % half);
      sign_[lane] = i < half ? -1.0F : 1.0F;
    }
  }
  [[nodiscard]] Vector partners(Vector numbers) const {
    return hn::TableLookupLanes(numbers, hn::SetTableIndices(simd::Lanes(), partner_));
  }
  /// The factor of each lane, from those of the angles.
  [[nodiscard]] Vector at_angles(Vector factors) const {
    return hn::TableLookupLanes(factors, hn::SetTableIndices(simd::Lanes(), angle_));
  }
  /// Those that turn down first get the negative.
  [[nodiscard]] Vector sign() const { return hn::Load(simd::Lanes(), sign_); }

 private:
  alignas(64) std::int32_t partner_[simd::kLanes];
  alignas(64) std::int32_t angle_[simd::kLanes];
  alignas(64) float sign_[simd::kLanes];
};

void turn_row(const Swap& swap, const float* cosine, const float* sine, bool back, Index head_width,
              Index cols, float* row) {
  const simd::First angles{head_width / 2};
  const Vector c = swap.at_angles(simd::load(cosine, angles));
  const Vector sign = back ? hn::Neg(swap.sign()) : swap.sign();
  const Vector s = hn::Mul(swap.at_angles(simd::load(sine, angles)), sign);
  simd::for_each_vector(cols, [&](Index i, auto part) RECOLLECT_INLINE {
    const Vector numbers = simd::load(row + i, part);
    const Vector turned = hn::MulAdd(swap.partners(numbers), s, hn::Mul(numbers, c));
    simd::store(turned, row + i, part);
  });
}

void turn_row(const float* cosine, const float* sine, bool back, Index head_width, Index cols,
              float* row) {
  const Index half = head_width / 2;
  const Vector sign = simd::broadcast(back ? -1.0F : 1.0F);
  simd::for_each_vector(half, [&](Index i, auto part) RECOLLECT_INLINE {
    const Vector c = simd::load(cosine + i, part);
    const Vector s = hn::Mul(simd::load(sine + i, part), sign);
    for (Index first = 0; first < cols; first += head_width) {
      float* at = row + first + i;
      const Vector low = simd::load(at, part);
      const Vector high = simd::load(at + half, part);
      simd::store(hn::NegMulAdd(high, s, hn::Mul(low, c)), at, part);
      simd::store(hn::MulAdd(low, s, hn::Mul(high, c)), at + half, part);
    }
  });
}

}  // namespace

template <class S>
void Rotary<S>::rotate(std::span<const std::int32_t> positions, View<S> x, bool back) const {
  const Index half = head_width_ / 2;
  const auto for_each_row = [&](auto&& turn_it) {
    for (Index r = 0; r < x.rows(); ++r) {
      const Index position = positions.empty() ? r : positions[static_cast<std::size_t>(r)];
      turn_it(cosine_.data() + position * half, sine_.data() + position * half,
              x.data() + r * x.stride());
    }
  };
  if constexpr (std::is_same_v<S, float>) {
    if (simd::kLanes % head_width_ == 0) {
      const Swap swap(head_width_);
      for_each_row([&](const S* cosine, const S* sine, S* row) {
        turn_row(swap, cosine, sine, back, head_width_, x.cols(), row);
      });
      return;
    }
  }
  for_each_row([&](const S* cosine, const S* sine, S* row) {
    turn_row(cosine, sine, back, head_width_, x.cols(), row);
  });
}

template class Rotary<float>;
template class Rotary<double>;

}  // namespace recollect
