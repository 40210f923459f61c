#include "models/layers/dropout.hpp"

#include <cmath>

#include "math/rng.hpp"

namespace recollect {

template <class S>
void drop(double p, const DropoutDraw& draw, Index first, View<S> x) {
  const auto least = static_cast<std::uint64_t>(std::ceil(p * 0x1p32));  // u >= p
  const auto scale = static_cast<S>(1.0 / (1.0 - p));
  const auto blocks = static_cast<std::uint64_t>((x.cols() + 3) / 4);  // of four words, of a token
  for (Index t = 0; t < x.rows(); ++t) {
    // Each token has blocks of its own; the counter of blocks alone would not last for the longest.
    const auto token = static_cast<std::uint64_t>(first + t);
    Rng rng(draw.seed, Stream::kDropout, draw.step << 32 | draw.example << 16 | token >> 16,
            static_cast<std::uint32_t>((token & 0xFFFF) * blocks));
    for (S& number : x.row(t)) number = rng.bits() >= least ? number * scale : S(0);
  }
}

template void drop<float>(double, const DropoutDraw&, Index, View<float>);
template void drop<double>(double, const DropoutDraw&, Index, View<double>);

}  // namespace recollect
