#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "math/buffer.hpp"
#include "math/parallel.hpp"
#include "math/view.hpp"

namespace recollect {

/// Adds up the gradients of shards 0..shards-1 as a binary tree over their numbers: (0 + 1) + (2 +
/// 3) and so on. The tree, and so every bit of the sum, is the same for any number of threads and
/// whichever of them makes a shard. A thread makes a share of neighbours and then, where another
/// one is slower, the last ones that are left of that one's share. Who has made the second of two
/// siblings adds them at once, so few buffers are open at a time, and stay in the cache.
template <class S>
class GradientTree {
 public:
  /// Room for gradients of `size` numbers.
  GradientTree(int shards, int threads, std::size_t size)
      : shards_(shards),
        threads_(threads),
        size_(size),
        first_leaf_(std::bit_ceil(static_cast<unsigned>(shards))),
        shares_(static_cast<std::size_t>(threads)),
        waiting_(first_leaf_) {
    std::size_t open = spare();
    for (int thread = 0; thread < threads_; ++thread) open += most_open(thread);
    buffers_.resize(open);
    for (Buffer<S>& buffer : buffers_) buffer.resize(size_);
    zeros_.resize(open);
    free_.reserve(open);
  }

  /// Calls make(shard, thread, gradient) for every shard, with a gradient of zeros to add to.
  /// @returns the sum, to be changed at will; valid until the next call
  template <class Make>
  std::span<S> sum(Make&& make) {
    begin();
    parallel_for(threads_, threads_, [&](int thread, int) {
      while (const std::optional<Node> leaf = claim(thread)) {
        Buffer<S>& gradient = buffers_[leaf->buffer];
        if (!zeros_[leaf->buffer]) std::fill(gradient.begin(), gradient.end(), S(0));
        zeros_[leaf->buffer] = 0;
        make(static_cast<int>(leaf->place - first_leaf_), thread, std::span<S>(gradient));
        pass_up(*leaf);
      }
    });
    return buffers_[sum_];
  }

 private:
  /// A part of the tree whose sum is there, or being made.
  struct Node {
    std::size_t place;   ///< root 1, children of p 2p and 2p + 1, so leaves from first_leaf_ on
    std::size_t buffer;  ///< with its sum
    bool taken_over;     ///< from another thread's share, all of it
  };
  /// What is left of a thread's shards.
  struct Share {
    int begin;  ///< the first, which stays its own: after one step every thread's room has grown
    int next;
    int end;
  };

  [[nodiscard]] int first_of(int thread) const noexcept {
    return static_cast<int>(std::int64_t{thread} * shards_ / threads_);
  }

  /// Buffers beside those of the threads' own shares, for what they take over.
  [[nodiscard]] std::size_t spare() const noexcept {
    return threads_ > 1 ? static_cast<std::size_t>(threads_) : 0;
  }
  /// The most nodes that a thread's own share has open: neighbours that are not siblings, and the
  /// shard at work.
  [[nodiscard]] std::size_t most_open(int thread) const {
    std::size_t most = 0;
    for (int end = first_of(thread); end < first_of(thread + 1); ++end) {
      std::size_t open = 1;
      auto low = first_leaf_ + static_cast<std::size_t>(first_of(thread));
      auto high = first_leaf_ + static_cast<std::size_t>(end);
      for (; low < high; low /= 2, high /= 2) {
        open += low % 2 + high % 2;
        low += low % 2;
      }
      most = std::max(most, open);
    }
    return most;
  }

  void begin() {
    for (int thread = 0; thread < threads_; ++thread) {
      const int first = first_of(thread);
      shares_[static_cast<std::size_t>(thread)] = {first, first, first_of(thread + 1)};
    }
    free_.resize(buffers_.size());
    std::iota(free_.rbegin(), free_.rend(), std::size_t{0});
    std::fill(waiting_.begin(), waiting_.end(), std::nullopt);
    taken_over_ = 0;
  }

  /// The next shard for a thread, with a buffer for it.
  std::optional<Node> claim(int thread) {
    const std::lock_guard<std::mutex> lock(guard_);
    Share& own = shares_[static_cast<std::size_t>(thread)];
    if (own.next < own.end) return leaf(own.next++, false);
    const auto left = [](const Share& share) {
      return share.next > share.begin ? share.end - share.next : 0;
    };
    Share& slowest =
        *std::max_element(shares_.begin(), shares_.end(),
                          [&](const Share& a, const Share& b) { return left(a) < left(b); });
    if (left(slowest) == 0 || taken_over_ == spare()) return std::nullopt;
    ++taken_over_;
    return leaf(--slowest.end, true);
  }
  Node leaf(int shard, bool taken_over) {
    const std::size_t buffer = free_.back();
    free_.pop_back();
    return {first_leaf_ + static_cast<std::size_t>(shard), buffer, taken_over};
  }

  /// Adds a node to its sibling, the sum of both to theirs, and so on, as far as siblings are
  /// there.
  void pass_up(Node node) {
    while (node.place > 1) {
      std::optional<Node> sibling;
      if (!beyond_last(node.place ^ 1)) {
        const std::lock_guard<std::mutex> lock(guard_);
        std::swap(sibling, waiting_[node.place / 2]);
        if (!sibling) {
          waiting_[node.place / 2] = node;
          return;
        }
      }
      if (sibling) node = added(node, *sibling);
      node.place /= 2;
    }
    sum_ = node.buffer;
  }
  [[nodiscard]] bool beyond_last(std::size_t place) const noexcept {
    while (place < first_leaf_) place *= 2;
    return place >= first_leaf_ + static_cast<std::size_t>(shards_);
  }
  /// The right sibling's buffer is left as zeros, for the next shard.
  Node added(const Node& a, const Node& b) {
    const Node& left = a.place < b.place ? a : b;
    const Node& right = a.place < b.place ? b : a;
    constexpr std::size_t kPart = 1024;  // so that a buffer comes through the cache once
    for (std::size_t begin = 0; begin < size_; begin += kPart) {
      const std::size_t end = std::min(begin + kPart, size_);
      const View<S> from = part(right.buffer, begin, end);
      recollect::add(from, part(left.buffer, begin, end));
      set_zero(from);
    }
    const std::lock_guard<std::mutex> lock(guard_);
    zeros_[right.buffer] = 1;
    free_.push_back(right.buffer);
    if (left.taken_over || right.taken_over) --taken_over_;
    return {left.place, left.buffer, left.taken_over && right.taken_over};
  }

  /// Elements begin..end - 1 of a buffer, as a row.
  [[nodiscard]] View<S> part(std::size_t buffer, std::size_t begin, std::size_t end) {
    return view(buffers_[buffer].data() + begin, 1, static_cast<Index>(end - begin));
  }

  int shards_;
  int threads_;
  std::size_t size_;
  std::size_t first_leaf_;
  std::vector<Buffer<S>> buffers_;
  std::vector<char> zeros_;  ///< whether a buffer holds zeros alone; bytes, as threads write them

  std::mutex guard_;           ///< of all that follows
  std::vector<Share> shares_;  ///< (threads)
  std::vector<std::size_t> free_;
  std::vector<std::optional<Node>> waiting_;  ///< by their parent's place, for their siblings
  std::size_t taken_over_ = 0;                ///< nodes that were taken over, open now
  std::size_t sum_ = 0;                       ///< the buffer with the last sum
};

}  // namespace recollect
