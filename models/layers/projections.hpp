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

/// Queries, keys and values of a layer's input, turned by rotary positions where the model has
/// them. Queries are needed at `rows` only, keys and values everywhere.
///
/// Where few rows read many tokens, keys and values are not made at all: with k = W_k u and v = W_v
/// u,
///   q . k_s = (W_k^T q) . u_s   and   sum_s p_s v_s = W_v sum_s p_s u_s,
/// so the core runs on u itself, and W_k and W_v are applied at the rows. That is exact; such a
/// result is called absorbed.
template <class S>
class Projections {
 public:
  Projections(const ModelSettings& settings, const std::string& prefix, ParameterLayout& layout);

  /// What the core of each head reads; a head has `width` columns.
  struct Result {
    ConstView<S> u_rows;  ///< (R, D) the input at the rows
    ConstView<S> plain;   ///< (R, D) queries before they absorb W_k
    View<S> q;            ///< (R, H width)
    ConstView<S> k;       ///< (n, H width), or u for all heads
    ConstView<S> v;       ///< (n, H width), or u for all heads
    Index width;          ///< of a head: d, or D if absorbed
    bool absorbed;
    /// Where q, k and v are tables with a row for each id: (n) the ids. Else empty.
    std::span<const std::int32_t> ids = {};

    [[nodiscard]] Index tokens() const {
      return ids.empty() ? k.rows() : static_cast<Index>(ids.size());
    }

    [[nodiscard]] ConstView<S> q_of(Index h) const {
      return columns(constant(q), h * width, width);
    }
    [[nodiscard]] ConstView<S> k_of(Index h) const {
      return absorbed ? k : columns(k, h * width, width);
    }
    [[nodiscard]] ConstView<S> v_of(Index h) const {
      return absorbed ? v : columns(v, h * width, width);
    }
  };

  /// Gradients of q, k and v, one head's columns beside another's.
  struct Gradients {
    View<S> q;  ///< (R, H width)
    View<S> k;  ///< (n, H width)
    View<S> v;  ///< (n, H width)
  };

  /// To be called once the weights have changed; for sequences of up to `length` tokens.
  void prepare(const S* theta, Index length);

  /// Columns of the room that q, k and v of a segment take side by side: 3 D; 2 D where queries are
  /// needed at a few rows only, and live elsewhere; none where nothing is made.
  /// @param few  whether the core is dense at the rows, so that keys and values may be absorbed
  [[nodiscard]] Index room_columns(Index tokens, const Rows& rows, bool few) const noexcept;
  /// @param room  (n, room_columns()) is overwritten, and belongs to the result
  [[nodiscard]] Result forward(const S* theta, ConstView<S> u, const Rows& rows, bool few,
                               View<S> room, Workspace<S>& workspace) const;

  /// Room for the gradients that belong to a result; where keys and values are made, `room`, of the
  /// shape of forward()'s.
  [[nodiscard]] Gradients gradients(const Result& result, View<S> room,
                                    Workspace<S>& workspace) const;

  /// Where the core of all heads writes its output (R, H width): `y`, or room of its own.
  [[nodiscard]] View<S> core_output(const Result& result, View<S> y, Workspace<S>& workspace) const;
  /// y (R, D) from what the core wrote there.
  void finish(const S* theta, const Result& result, ConstView<S> core, View<S> y) const;
  /// The gradient of the core's output from that of y; `gradient` is accumulated.
  [[nodiscard]] ConstView<S> finish_backward(const S* theta, S* gradient, const Result& result,
                                             ConstView<S> core, ConstView<S> dy,
                                             Workspace<S>& workspace) const;

  /// The same for all rows of u, before rotary positions turn them: what a lookup reads.
  [[nodiscard]] Result tabulate(const S* theta, ConstView<S> u, int threads,
                                Workspace<S>& workspace) const;
  /// Whether every token's q, k and v are rows of the table, with nothing to be done to them.
  [[nodiscard]] bool reads_table(const Rows& rows) const noexcept { return rows.all && !rotary_; }
  /// @param room  as forward()'s; without columns, q, k and v stay where they are (reads_table()),
  /// and the result says which rows they are
  [[nodiscard]] Result look_up(const Result& table, std::span<const std::int32_t> ids,
                               const Rows& rows, View<S> room, Workspace<S>& workspace) const;
  /// Views of consecutive numbers: the gradients of a table of V rows.
  [[nodiscard]] Gradients table_gradients(S* numbers, Index rows) const;
  /// Adds `d`, which is changed (turned back), to the rows of the table's gradients.
  void look_up_backward(std::span<const std::int32_t> ids, const Rows& rows, const Gradients& d,
                        Gradients d_table, Workspace<S>& workspace) const;
  /// du (V, D) is overwritten; `gradient` is accumulated.
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Gradients& d_table,
                         View<S> du, int threads) const;

  /// du (n, D) is overwritten; `gradient` is accumulated. `d` is changed.
  void backward(const S* theta, S* gradient, ConstView<S> u, const Rows& rows, const Result& result,
                const Gradients& d, View<S> du, Workspace<S>& workspace) const;

  /// Whether few rows of `tokens` tokens absorb keys and values: where that takes fewer operations.
  [[nodiscard]] bool absorbs(std::int64_t tokens, std::int64_t rows, bool few) const noexcept;
  /// Room for a result and the output of the core; for their gradients.
  [[nodiscard]] Footprint footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                    bool few) const noexcept;
  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows) const noexcept;

 private:
  /// The result of queries (R, D) and of keys and values side by side (n, 2 D).
  [[nodiscard]] Result made(ConstView<S> u_rows, View<S> q, View<S> key_value) const;
  /// The same once rotary positions have turned queries and keys.
  [[nodiscard]] Result turned(const Rows& rows, ConstView<S> u_rows, View<S> q,
                              View<S> key_value) const;
  /// Rotary positions, where the model has them: at the rows for q, everywhere for k.
  void turn(const Rows& rows, View<S> q, View<S> k, bool back) const;

  /// y = x W^T for `y.cols()` rows of a projection's weights, from row `first` on.
  void project(const S* theta, const Linear& projection, Index first, ConstView<S> x,
               View<S> y) const;

  /// Rows h d .. h d + d - 1 of a projection's weights (or gradients): head h's.
  template <class Pointer>
  [[nodiscard]] auto head_weights(const Linear& projection, Pointer buffer, Index h) const {
    return recollect::rows(projection.weight.in(buffer), h * head_width_, head_width_);
  }

  Index heads_;
  Index head_width_;
  bool savings_;
  Linear query_;
  Linear key_;
  Linear value_;
  Linear key_value_;        ///< the two as one matrix (2 D, D): they lie one after another
  Linear all_;              ///< the three as one (3 D, D)
  TurnedLinear<S> turned_;  ///< of the three
  std::optional<Rotary<S>> rotary_;
};

/// The ids at the rows' positions.
template <class S>
[[nodiscard]] std::span<const std::int32_t> ids_at(const Rows& rows,
                                                   std::span<const std::int32_t> ids,
                                                   Workspace<S>& workspace);

}  // namespace recollect
