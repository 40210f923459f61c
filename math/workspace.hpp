#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "math/view.hpp"

namespace recollect {

/// Where one thread keeps the activations of the sequence it works on: a stack of elements that is
/// rewound after every sequence. It grows while the first sequence runs and never again for the
/// same shapes, so a training step does not allocate, and the next sequence finds the memory in
/// cache.
template <class S>
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;

  /// `count` elements, uninitialised, on a 64-byte boundary; valid until rewound past.
  [[nodiscard]] S* take(Index count) {
    const std::size_t need = rounded(static_cast<std::size_t>(count));
    if (blocks_.empty() || blocks_.back().capacity - top_ < need) add_block(need);
    S* place = blocks_.back().data.get() + top_;
    top_ += need;
    live_ += need;
    peak_ = std::max(peak_, live_);
    return place;
  }

  /// A (rows, cols) matrix, uninitialised.
  [[nodiscard]] View<S> matrix(Index rows, Index cols) {
    return view(take(rows * cols), rows, cols);
  }

  /// `count` objects of a trivial type other than S, uninitialised.
  template <class T>
  [[nodiscard]] T* array(Index count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlignment);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): T may well be a pointer.
    const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
    return static_cast<T*>(
        static_cast<void*>(take(static_cast<Index>((bytes + sizeof(S) - 1) / sizeof(S)))));
  }

  /// A small record that lives as long as the elements around it; it is never destroyed.
  template <class Record>
  [[nodiscard]] Record* record(const Record& value) {
    static_assert(std::is_trivially_destructible_v<Record> && alignof(Record) <= kAlignment);
    return new (take(static_cast<Index>((sizeof(Record) + sizeof(S) - 1) / sizeof(S))))
        Record(value);
  }

  /// Releases, when it ends, everything taken since it began.
  class Scope {
   public:
    explicit Scope(Workspace& workspace)
        : workspace_(workspace),
          blocks_(workspace.blocks_.size()),
          top_(workspace.top_),
          live_(workspace.live_) {}
    ~Scope() { workspace_.rewind(blocks_, top_, live_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Workspace& workspace_;
    std::size_t blocks_;
    std::size_t top_;
    std::size_t live_;
  };

  /// Releases everything.
  void clear() { rewind(blocks_.size(), 0, 0); }

  /// In use now.
  [[nodiscard]] std::size_t live_bytes() const noexcept { return live_ * sizeof(S); }
  /// The most that was ever in use at once.
  [[nodiscard]] std::size_t peak_bytes() const noexcept { return peak_ * sizeof(S); }

 private:
  static constexpr std::size_t kAlignment = 64;
  // A long sequence walks through hundreds of megabytes: with pages of 4 KiB, a quarter of its time
  // would go into finding them.
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;

  [[nodiscard]] static constexpr std::size_t alignment(std::size_t bytes) noexcept {
    return bytes >= kHugePage ? kHugePage : kAlignment;
  }
  struct Free {
    std::size_t bytes = 0;
    void operator()(S* data) const {
      ::operator delete[](data, std::align_val_t{alignment(bytes)});
    }
  };
  struct Block {
    std::unique_ptr<S[], Free> data;
    std::size_t capacity;
  };

  static std::size_t rounded(std::size_t count) {
    constexpr std::size_t unit = kAlignment / sizeof(S);
    return (count + unit - 1) / unit * unit;
  }

  void add_block(std::size_t need) {
    const std::size_t capacity =
        std::max({need, std::size_t{1} << 14, blocks_.empty() ? 0 : 2 * blocks_.back().capacity});
    std::size_t bytes = capacity * sizeof(S);
    if (bytes >= kHugePage) bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    auto* data = static_cast<S*>(::operator new[](bytes, std::align_val_t{alignment(bytes)}));
#if defined(__linux__)
    // Advice: where it cannot be taken, small pages do.
    if (alignment(bytes) == kHugePage) (void)::madvise(data, bytes, MADV_HUGEPAGE);
#endif
    blocks_.push_back(Block{std::unique_ptr<S[], Free>(data, Free{bytes}), capacity});
    top_ = 0;
  }

  void rewind(std::size_t blocks, std::size_t top, std::size_t live) {
    if (live == 0 && blocks_.size() > 1) {  // the first sequence is over: one block from now on
      blocks_.clear();
      add_block(peak_);
    } else {
      // Blocks begun inside the scope stay until the workspace is empty; their order is kept by
      // never going back below the newest one.
      if (blocks_.size() == blocks) top_ = top;
    }
    live_ = live;
  }

  std::vector<Block> blocks_;
  std::size_t top_ = 0;   // elements used of the newest block
  std::size_t live_ = 0;  // elements in use in all
  std::size_t peak_ = 0;
};

}  // namespace recollect
