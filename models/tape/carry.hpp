#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// How one segment of a sequence hands matrices on to the next: states, the last rows that a
/// convolution reads. It begins with the sequence and lives in the workspace below all segments.
///
/// Where a backward pass will follow, the tapes of all segments stay, and a matrix is handed on as
/// it is; only its gradient, which later segments begin and the earlier one reads, needs a buffer
/// that outlives a segment's walk. Without one, the segment's memory is released, so values are
/// copied, and a sequence of any length takes the memory of what is handed on.
template <class S>
class Carry {
 public:
  Carry(Workspace<S>& workspace, bool backward) : pool_(workspace), backward_(backward) {}

  /// Room for `count` matrices of that size that wait at once. Called before the first segment.
  void expect(Index rows, Index cols, Index count) {
    // Across a segment's end the gradients of what waits after it and before it meet.
    if (backward_) pool_.stock(rows * cols, 2 * count);
  }
  [[nodiscard]] bool backward() const noexcept { return backward_; }

  /// x, made by an operation of this segment or handed on to it, for the next one.
  /// @param room  of x's size, where its values stay if no backward pass will follow
  [[nodiscard]] Var<S> keep(const Var<S>& x, S* room) {
    if (backward_) {
      assert(x.whole());
      x.node()->pool = &pool_;
      return x;
    }
    if (x.value().data() != room) copy<const S, S>(x.value(), view(room, x.rows(), x.cols()));
    return {room, x.cols(), nullptr, x.rows(), x.cols()};
  }

 private:
  Pool<S> pool_;
  bool backward_;
};

}  // namespace recollect::tape
