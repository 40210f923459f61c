#include "harness/train/gradient_tree.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "math/parallel.hpp"

namespace recollect {
namespace {

constexpr std::size_t kSize = 37;

/// Numbers of very different size, so that the order of adding them shows.
float number(int shard, std::size_t i) {
  const auto mixed =
      static_cast<std::uint32_t>(shard + 1) * 2654435761U + static_cast<std::uint32_t>(i) * 40503U;
  return static_cast<float>(mixed % 1009U) * ((mixed >> 12) % 3 == 0 ? 1e-5F : 1.7F) - 300.0F;
}

/// What the tree means, one number at a time.
float tree_sum(int begin, int size, int shards, std::size_t i) {
  if (size == 1) return number(begin, i);
  const float left = tree_sum(begin, size / 2, shards, i);
  if (begin + size / 2 >= shards) return left;
  return left + tree_sum(begin + size / 2, size / 2, shards, i);
}

TEST_CASE("gradient tree: the sum is that of the tree, for any number of shards and threads") {
  bool order_shows = false;
  for (int shards = 1; shards <= 19; ++shards) {
    std::vector<float> expected(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      expected[i] = tree_sum(0, 32, shards, i);
      float in_order = 0;
      for (int shard = 0; shard < shards; ++shard) in_order += number(shard, i);
      order_shows = order_shows || in_order != expected[i];
    }
    for (int threads = 1; threads <= 21; ++threads) {
      CAPTURE(shards);
      CAPTURE(threads);
      GradientTree<float> tree(shards, threads, kSize);
      for (int round = 0; round < 2; ++round) {  // a second step finds the buffers of the first
        std::vector<int> made(static_cast<std::size_t>(shards), 0);
        const std::span<float> sum = tree.sum([&](int shard, int, std::span<float> gradient) {
          ++made[static_cast<std::size_t>(shard)];
          for (std::size_t i = 0; i < kSize; ++i) gradient[i] += number(shard, i);
        });
        CHECK(std::vector<float>(sum.begin(), sum.end()) == expected);
        CHECK(made == std::vector<int>(static_cast<std::size_t>(shards), 1));
      }
    }
  }
  CHECK(order_shows);
}

TEST_CASE("gradient tree: a sum that was given up leaves nothing to the next one") {
  for (const int threads : {1, 3}) {
    GradientTree<float> tree(8, threads, kSize);
    const auto sum = [&](int last) {
      const std::span<float> all = tree.sum([&](int shard, int, std::span<float> gradient) {
        for (std::size_t i = 0; i < kSize; ++i) gradient[i] += number(shard, i);
        if (shard >= last) throw std::runtime_error("given up");
      });
      return std::vector<float>(all.begin(), all.end());
    };
    const std::vector<float> before = sum(8);
    for (int last = 0; last < 8; ++last) {
      CAPTURE(last);
      CHECK_THROWS_AS(sum(last), std::runtime_error);
      CHECK(sum(8) == before);
    }
  }
}

TEST_CASE("gradient tree: a thread's shards need few buffers") {
  for (const int threads : {1, 2, 3, 4, 5, 7, 8, 16}) {
    CAPTURE(threads);
    GradientTree<float> tree(16, threads, kSize);
    std::set<const float*> buffers;
    for (int round = 0; round < 20; ++round) {
      (void)tree.sum([&](int, int, std::span<float> gradient) {
#pragma omp critical
        buffers.insert(gradient.data());
      });
    }
    // One for each open level of the thread's part of the tree, and one for what it takes over.
    const int levels = std::bit_width(static_cast<unsigned>((16 + threads - 1) / threads));
    const int spare = threads > 1 ? 1 : 0;
    CHECK(buffers.size() <= static_cast<std::size_t>(threads * (levels + spare)));
  }
}

TEST_CASE("gradient tree: others take over from a thread that is slow, and the sum is the same") {
  constexpr int kShards = 16;
  for (const int threads : {2, 4}) {
    if (team_size(threads) < threads) continue;
    CAPTURE(threads);
    std::vector<float> expected(kSize);
    for (std::size_t i = 0; i < kSize; ++i) expected[i] = tree_sum(0, kShards, kShards, i);
    GradientTree<float> tree(kShards, threads, kSize);
    const auto wait_until = [](const auto& there) {
      const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (!there() && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
    };
    for (int round = 0; round < 3; ++round) {
      // The last thread waits in its first shard until others have made three more of its share;
      // they wait for it to begin, as what has not begun is left alone.
      const int first = kShards - kShards / threads;
      constexpr int kFewest = 3;
      std::atomic<bool> begun = false;
      std::atomic<int> by_others = 0;
      std::vector<int> made(kShards, 0);
      const std::span<float> sum = tree.sum([&](int shard, int thread, std::span<float> gradient) {
        ++made[static_cast<std::size_t>(shard)];
        for (std::size_t i = 0; i < kSize; ++i) gradient[i] += number(shard, i);
        if (shard > first && thread != threads - 1) ++by_others;
        if (shard == first) begun = true;
        wait_until([&] { return shard == first ? by_others >= kFewest : begun.load(); });
      });
      CHECK(by_others >= kFewest);
      CHECK(std::vector<float>(sum.begin(), sum.end()) == expected);
      CHECK(made == std::vector<int>(kShards, 1));
    }
  }
}

}  // namespace
}  // namespace recollect
