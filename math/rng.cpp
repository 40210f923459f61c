#include "math/rng.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "math/portable_math.hpp"

namespace recollect {
namespace {

std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

}  // namespace

Rng::Rng(std::uint64_t seed, Stream stream, std::uint64_t index, std::uint32_t first_block) noexcept
    : key_{low_word(seed), high_word(seed)},
      counter_{first_block, low_word(index), high_word(index), static_cast<std::uint32_t>(stream)} {
}

void Rng::refill() noexcept {
  const r123::Philox4x32::ctr_type counter = {{counter_[0], counter_[1], counter_[2], counter_[3]}};
  const r123::Philox4x32::key_type key = {{key_[0], key_[1]}};
  const r123::Philox4x32::ctr_type block = r123::Philox4x32{}(counter, key);
  for (std::size_t i = 0; i < block_.size(); ++i) block_[i] = block[i];
  ++counter_[0];  // 2^32 blocks an item: more than the longest example takes
  used_ = 0;
}

std::uint32_t Rng::bits() noexcept {
  if (used_ == 4) refill();
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint32_t Rng::below(std::uint32_t bound) noexcept {
  std::uint64_t product = std::uint64_t{bits()} * bound;
  if (low_word(product) < bound) {
    // 2^32 mod bound: the products whose low words lie below it are the surplus of some results.
    const std::uint32_t surplus = (0U - bound) % bound;
    while (low_word(product) < surplus) product = std::uint64_t{bits()} * bound;
  }
  return high_word(product);
}

double Rng::uniform() noexcept {
  const std::uint64_t high = bits();
  const std::uint64_t drawn = (high << 32) | bits();
  const std::uint64_t odd = ((drawn >> 12) << 1) | 1U;  // 53 bits: exact as a double
  return static_cast<double>(odd) * 0x1p-53;
}

double Rng::normal() noexcept {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2.0 * portable::log(uniform()));
  const double turn = uniform();
  spare_normal_ = radius * portable::sin_turn(turn);
  has_spare_ = true;
  return radius * portable::cos_turn(turn);
}

std::span<const std::int32_t> Sampler::draw(Rng& rng, std::int32_t size, std::int32_t count) {
  const auto n = static_cast<std::size_t>(size);
  const auto k = static_cast<std::size_t>(count);
  if (pool_.size() < n) {
    const std::size_t before = pool_.size();
    pool_.resize(n);
    std::iota(pool_.begin() + static_cast<std::ptrdiff_t>(before), pool_.end(),
              static_cast<std::int32_t>(before));
  }
  drawn_.resize(k);
  swaps_.resize(k);
  for (std::size_t i = 0; i < k; ++i) {
    const std::size_t other = i + rng.below(static_cast<std::uint32_t>(n - i));
    std::swap(pool_[i], pool_[other]);
    drawn_[i] = pool_[i];
    swaps_[i] = static_cast<std::int32_t>(other);
  }
  for (std::size_t i = k; i-- > 0;) std::swap(pool_[i], pool_[static_cast<std::size_t>(swaps_[i])]);
  return drawn_;
}

}  // namespace recollect
