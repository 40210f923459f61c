#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace recollect {

/// What a random stream is for. Streams of different purposes never share a number, whatever the
/// seed and index: the purpose is a word of the counter.
enum class Stream : std::uint32_t {
  kTrain = 1,
  kValidation = 2,
  kTest = 3,
  kOrder = 4,
  kInit = 5,
  kBootstrap = 6,
  kDropout = 7,
  kSharedMap = 8,
  kEpoch = 9
};

/// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11) through Random123. The key is
/// the seed; the counter is (block, index low, index high, stream). Item `index` of a stream can be
/// drawn alone, in any order, by any thread, on any platform: the same bits everywhere. The
/// mappings to integers, reals and normals are our own, since the standard library's differ between
/// vendors.
class Rng {
 public:
  /// @param first_block  begins four words of 32 bits later for each
  Rng(std::uint64_t seed, Stream stream, std::uint64_t index,
      std::uint32_t first_block = 0) noexcept;

  /// The next 32 random bits.
  [[nodiscard]] std::uint32_t bits() noexcept;

  /// Uniform in 0..bound-1, without bias (Lemire's multiplication with rejection). bound >= 1.
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept;

  /// Uniform in low..high, both included.
  [[nodiscard]] std::int32_t between(std::int32_t low, std::int32_t high) noexcept {
    return low + static_cast<std::int32_t>(below(static_cast<std::uint32_t>(high - low) + 1U));
  }

  /// Uniform real strictly inside (0, 1): an odd multiple of 2^-53, so log() of it is finite.
  [[nodiscard]] double uniform() noexcept;

  /// Standard normal, by Box-Muller on two uniforms; the second value of a pair is kept for the
  /// next call.
  [[nodiscard]] double normal() noexcept;

 private:
  void refill() noexcept;

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  double spare_normal_ = 0.0;
  bool has_spare_ = false;
};

/// 64-bit FNV-1a of a name: the index of a named tensor's stream.
[[nodiscard]] constexpr std::uint64_t name_index(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

/// Draws without replacement from 0..size-1 by a partial Fisher-Yates shuffle. Reusable: a draw
/// leaves the pool as it found it, so every draw depends on its generator alone, and none allocates
/// after the first at a size.
class Sampler {
 public:
  /// `count` <= `size` distinct values of 0..size-1 in random order; valid until the next draw.
  [[nodiscard]] std::span<const std::int32_t> draw(Rng& rng, std::int32_t size, std::int32_t count);

 private:
  std::vector<std::int32_t> pool_;  // identity permutation between draws
  std::vector<std::int32_t> drawn_;
  std::vector<std::int32_t> swaps_;
};

}  // namespace recollect
