#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace recollect {

/// Allocates on 64-byte boundaries. Eigen handles the numbers before the first aligned one by other
/// instructions, which may round differently: with every buffer aligned alike, the same computation
/// gives the same bits wherever the buffer happens to lie.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T* place, std::size_t) noexcept { ::operator delete(place, kAlignment); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) noexcept { return true; }
};

/// A vector of elements that products and sums run over: weights, gradients, moments, logits.
template <class T>
using Buffer = std::vector<T, AlignedAllocator<T>>;

}  // namespace recollect
