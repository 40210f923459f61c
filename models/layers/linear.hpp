#pragma once

#include "math/buffer.hpp"
#include "math/parallel.hpp"
#include "models/kernels/products.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// y = x W^T, W (out, in), no bias. A layer is a place in the flat buffers and nothing more:
/// weights and gradients are passed in, so it is shared by all threads.
struct Linear {
  Tensor weight;

  /// y (T, out) is overwritten.
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> y) const {
    product_nt<S>(x, weight.in(theta), y);
  }

  /// `gradient` is accumulated; dx (T, in) as `write` says.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> x, ConstView<S> dy, View<S> dx,
                Write write) const {
    product_tn<S>(dy, x, weight.in(gradient), Write::kAccumulate);
    product_nn<S>(dy, weight.in(theta), dx, write);
  }

  /// The two on several threads, for what a step does once: rows of the results are dealt to them,
  /// and have the same bits for any number.
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> y, int threads) const {
    parallel_for(threads, threads, [&](int share, int) {
      const Share mine(x.rows(), share, threads);
      forward<S>(theta, rows(x, mine.first, mine.count), rows(y, mine.first, mine.count));
    });
  }
  /// dx is overwritten.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> x, ConstView<S> dy, View<S> dx,
                int threads) const {
    parallel_for(threads, threads, [&](int share, int) {
      const Share out(dy.cols(), share, threads);
      product_tn<S>(columns(dy, out.first, out.count), x,
                    rows(weight.in(gradient), out.first, out.count), Write::kAccumulate);
      const Share mine(dy.rows(), share, threads);
      product_nn<S>(rows(dy, mine.first, mine.count), weight.in(theta),
                    rows(dx, mine.first, mine.count));
    });
  }

 private:
  /// One of `shares` nearly equal parts of 0..total-1.
  struct Share {
    Index first;
    Index count;
    Share(Index total, Index share, Index shares)
        : first(share * total / shares), count((share + 1) * total / shares - first) {}
  };
};

/// The weights of a layer as products read them fastest, packed once a step for the forward passes
/// of all its sequences.
template <class S>
class PackedLinear {
 public:
  /// Called once the weights have changed.
  void pack(const Linear& linear, const S* theta) {
    const Tensor& weight = linear.weight;
    elements_.resize(static_cast<std::size_t>(packed_size(weight.rows, weight.cols)));
    recollect::pack<S>(weight.in(theta), elements_.data());
  }
  /// As Linear::forward(), to the bit. @param first  row of the weights that the first column of y
  /// belongs to, a multiple of kPackedRows
  void forward(ConstView<S> x, View<S> y, Index first = 0) const {
    product_packed<S>(x, elements_.data() + first * x.cols(), y);
  }

 private:
  Buffer<S> elements_;
};

}  // namespace recollect
