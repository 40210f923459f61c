#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "math/buffer.hpp"
#include "math/parallel.hpp"
#include "math/view.hpp"

namespace recollect {

/// Adds up the gradients of shards 0..shards-1 as a binary tree over their numbers: (0 + 1) + (2 +
/// 3) and so on. The tree, and so every bit of the sum, is the same for any number of threads. A
/// thread adds neighbours as soon as it has both, so that it works in few buffers, which stay in
/// its cache.
template <class S>
class GradientTree {
 public:
  /// Room for gradients of `size` numbers. Thread t makes shards first_of(t)..first_of(t + 1) - 1.
  GradientTree(int shards, int threads, std::size_t size)
      : shards_(shards), threads_(threads), size_(size), leaves_(static_cast<std::size_t>(shards)) {
    plan();
  }

  /// Calls make(shard, thread, gradient) for every shard, with a gradient of zeros to add to.
  /// @returns the sum, to be changed at will; valid until the next call
  template <class Make>
  std::span<S> sum(Make&& make) {
    const bool zeros_left = std::exchange(zeros_left_, false);
    parallel_for(threads_, threads_, [&](int thread, int) {
      for (int shard = first_of(thread); shard < first_of(thread + 1); ++shard) {
        const Leaf& leaf = leaves_[static_cast<std::size_t>(shard)];
        Buffer<S>& gradient = buffers_[leaf.buffer];
        if (!zeros_left || leaf.holds_sum) std::fill(gradient.begin(), gradient.end(), S(0));
        make(shard, thread, std::span<S>(gradient));
        fold(leaf);
      }
    });
    zeros_left_ = true;
    if (!between_threads_.empty()) {
      parallel_for(kPieces, threads_, [&](int piece, int) {
        for (const auto& [to, from] : between_threads_) add(to, from, piece, kPieces);
      });
    }
    return buffers_.front();
  }

 private:
  static constexpr int kPieces = 16;

  /// Where a shard's gradient is made, and how often the sum is then added to the buffer before it.
  struct Leaf {
    std::size_t buffer = 0;
    std::size_t merges = 0;
    bool holds_sum = false;  ///< whether the buffer still holds a sum of the step before, not zeros
  };
  /// The sum of shards begin..begin + size - 1, in a buffer.
  struct Node {
    int begin;
    int size;
    std::size_t buffer;
  };

  [[nodiscard]] int first_of(int thread) const noexcept { return thread * shards_ / threads_; }

  void plan() {
    std::vector<Node> open;  // what all threads leave
    std::size_t used = 0;
    for (int thread = 0; thread < threads_; ++thread) {
      std::vector<Node> mine;
      const std::size_t base = used;
      for (int shard = first_of(thread); shard < first_of(thread + 1); ++shard) {
        Leaf& leaf = leaves_[static_cast<std::size_t>(shard)];
        leaf.buffer = base + mine.size();
        used = std::max(used, leaf.buffer + 1);
        mine.push_back(Node{shard, 1, leaf.buffer});
        for (; end_in_siblings(mine); ++leaf.merges) {
          mine.pop_back();
          mine.back().size *= 2;
        }
      }
      for (const Node& node : mine) first_in(node.buffer).holds_sum = true;
      open.insert(open.end(), mine.begin(), mine.end());
    }
    buffers_.resize(used);
    for (Buffer<S>& buffer : buffers_) buffer.resize(size_);
    merge(open, 0, static_cast<int>(std::bit_ceil(static_cast<unsigned>(shards_))));
  }

  /// The first shard whose gradient is made in `buffer`.
  [[nodiscard]] Leaf& first_in(std::size_t buffer) {
    return *std::find_if(leaves_.begin(), leaves_.end(),
                         [&](const Leaf& leaf) { return leaf.buffer == buffer; });
  }

  [[nodiscard]] static bool end_in_siblings(const std::vector<Node>& nodes) {
    if (nodes.size() < 2) return false;
    const Node& left = nodes[nodes.size() - 2];
    return left.size == nodes.back().size && left.begin % (2 * left.size) == 0;
  }

  /// Plans what is left to add for the node of shards begin..begin + size - 1, of which some may
  /// lie beyond the last. @returns the buffer that will hold its sum
  std::size_t merge(const std::vector<Node>& open, int begin, int size) {
    for (const Node& node : open) {
      if (node.begin == begin && node.size == size) return node.buffer;
    }
    const std::size_t left = merge(open, begin, size / 2);
    if (begin + size / 2 < shards_) {
      between_threads_.emplace_back(left, merge(open, begin + size / 2, size / 2));
    }
    return left;
  }

  /// Elements begin..end - 1 of a buffer, as a row.
  [[nodiscard]] View<S> part(std::size_t buffer, std::size_t begin, std::size_t end) {
    return view(buffers_[buffer].data() + begin, 1, static_cast<Index>(end - begin));
  }

  /// The additions that follow a leaf: its sum goes to the buffer before, that one's to the one
  /// before it, and so on. A part at a time, so that each buffer comes through the cache once; and
  /// a buffer that was added is left as zeros, for the next shard.
  void fold(const Leaf& leaf) {
    constexpr std::size_t kPart = 1024;
    for (std::size_t begin = 0; begin < size_ && leaf.merges > 0; begin += kPart) {
      const std::size_t end = std::min(begin + kPart, size_);
      for (std::size_t merge = 0; merge < leaf.merges; ++merge) {
        const View<S> from = part(leaf.buffer - merge, begin, end);
        recollect::add(from, part(leaf.buffer - merge - 1, begin, end));
        set_zero(from);
      }
    }
  }

  void add(std::size_t to, std::size_t from, int piece, int pieces) {
    const auto bound = [&](int i) {
      return size_ * static_cast<std::size_t>(i) / static_cast<std::size_t>(pieces);
    };
    recollect::add(part(from, bound(piece), bound(piece + 1)),
                   part(to, bound(piece), bound(piece + 1)));
  }

  int shards_;
  int threads_;
  std::size_t size_;
  std::vector<Leaf> leaves_;
  std::vector<Buffer<S>>
      buffers_;  ///< a thread's lie side by side, and hold its open nodes in order
  std::vector<std::pair<std::size_t, std::size_t>> between_threads_;  ///< buffers: to, from
  bool zeros_left_ = false;  ///< whether the last sum() came to its end, and left zeros
};

}  // namespace recollect
