#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "models/layers/linear.hpp"
#include "models/layers/rotary.hpp"
#include "models/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// Queries, keys and values of a layer's input, rotated by their positions where the model has
/// rotary ones: q = W_q u at the queries, k = W_k u and v = W_v u everywhere. The three lie side by
/// side, with one head's columns after another's.
///
/// Where few queries read many tokens, keys and values are not computed at all: with k = W_k u and
/// v = W_v u,
///   q . k_s = (W_k^T q) . u_s   and   sum_s p_s v_s = W_v sum_s p_s u_s,
/// so the core runs on u itself, and W_k and W_v are applied at the queries. That is exact; such a
/// result is called absorbed. A head is then D columns wide, and all heads read the same keys.
template <class S>
class Projections {
 public:
  Projections(const LayerContext& context, ParameterLayout& layout);

  /// What the core of each head reads; a head has `width` columns.
  struct Result {
    ConstView<S> u_queries;  ///< (R, D) the input at the queries
    ConstView<S> plain;      ///< (R, D) q before it absorbs W_k
    View<S> q;               ///< (R, H width)
    ConstView<S> k;          ///< (n, H width), or u for all heads
    ConstView<S> v;          ///< (n, H width), or u for all heads
    Index width;             ///< of a head: d, or D if absorbed
    bool absorbed;
  };

  /// Gradients of q, k and v, one head's columns after another's.
  struct Gradients {
    View<S> q;  ///< (R, H width)
    View<S> k;  ///< (n, H width)
    View<S> v;  ///< (n, H width)
  };

  /// Called once the weights have changed; for sequences of up to `longest` tokens.
  void begin_step(const S* theta, std::int64_t longest);

  /// Columns of the room that q, k and v of a segment take side by side: 3 D; 2 D where q is needed
  /// at a few queries only, and lives elsewhere; none where keys and values are absorbed.
  /// @param may_absorb  whether the core is dense at the queries, so that it may run on u
  [[nodiscard]] Index room_columns(Index tokens, const Queries& queries,
                                   bool may_absorb) const noexcept;
  /// @param room  (n, room_columns()) is overwritten, and belongs to the result
  [[nodiscard]] Result forward(const S* theta, ConstView<S> u, const Queries& queries,
                               bool may_absorb, View<S> room, Workspace<S>& workspace) const;
  /// The result of queries (R, D), and of keys and values side by side (n, 2 D), after rotation.
  [[nodiscard]] Result rotated(const Queries& queries, ConstView<S> u_queries, View<S> q,
                               View<S> key_value) const;

  /// Room for the gradients that belong to a result; where keys and values are computed, `room` of
  /// the shape of forward()'s.
  [[nodiscard]] Gradients gradients(const Result& result, View<S> room,
                                    Workspace<S>& workspace) const;
  /// du (n, D) is overwritten; `gradient` is accumulated. `d` is changed.
  void backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                const Result& result, const Gradients& d, View<S> du,
                Workspace<S>& workspace) const;

  /// Where the core of all heads writes its output (R, H width): `y`, or room of its own.
  [[nodiscard]] View<S> core_output(const Result& result, View<S> y, Workspace<S>& workspace) const;
  /// y (R, D) from what the core wrote there.
  void finish(const S* theta, const Result& result, ConstView<S> core, View<S> y) const;
  /// The gradient of the core's output from that of y; `gradient` is accumulated.
  [[nodiscard]] ConstView<S> finish_backward(const S* theta, S* gradient, const Result& result,
                                             ConstView<S> core, ConstView<S> dy,
                                             Workspace<S>& workspace) const;

  /// Rotary positions, where the model has them: at the queries for q, everywhere for k.
  void rotate(const Queries& queries, View<S> q, View<S> k, bool back) const;
  [[nodiscard]] bool rotates() const noexcept { return rotary_.has_value(); }
  /// W_q, W_k and W_v as one matrix (3 D, D).
  [[nodiscard]] const Linear& all() const noexcept { return all_; }
  [[nodiscard]] Index heads() const noexcept { return heads_; }
  [[nodiscard]] Index head_width() const noexcept { return head_width_; }

  /// Whether R queries of T tokens absorb keys and values: where that takes fewer operations.
  [[nodiscard]] bool absorbs(std::int64_t tokens, std::int64_t queries,
                             bool may_absorb) const noexcept;
  [[nodiscard]] Cost cost(const SequenceShape& shape, bool may_absorb) const noexcept;

 private:
  /// The result of queries (R, D) and of keys and values side by side (n, 2 D).
  [[nodiscard]] Result result_of(ConstView<S> u_queries, View<S> q, View<S> key_value) const;
  [[nodiscard]] Result absorb(const S* theta, ConstView<S> u, ConstView<S> u_queries, View<S> q,
                              Workspace<S>& workspace) const;
  /// dq and du of an absorbed result; d_plain (R, D) is overwritten.
  void absorb_backward(const S* theta, S* gradient, const Result& result, const Gradients& d,
                       View<S> d_plain, View<S> du) const;

  /// y = x W^T for `y.cols()` rows of a projection's weights, from row `first` on.
  void project(const S* theta, const Linear& projection, Index first, ConstView<S> x,
               View<S> y) const;

  /// Rows h d .. h d + d - 1 of a projection's weights (or gradients): head h's.
  template <class T>
  [[nodiscard]] View<T> head_weights(const Linear& projection, T* buffer, Index h) const {
    return rows(projection.weight.in(buffer), h * head_width_, head_width_);
  }

  Index heads_;
  Index head_width_;
  bool shortcuts_;
  Linear query_;
  Linear key_;
  Linear value_;
  Linear key_value_;        ///< the two as one matrix (2 D, D): they lie one after another
  Linear all_;              ///< the three as one (3 D, D)
  PackedLinear<S> packed_;  ///< of the three
  std::optional<Rotary<S>> rotary_;
};

/// A matrix and the next ones of the same width beside it, as one.
template <class S>
[[nodiscard]] ConstView<S> side_by_side(View<S> first, Index matrices) {
  return {first.data(), first.rows(), matrices * first.cols(), first.stride()};
}

}  // namespace recollect
