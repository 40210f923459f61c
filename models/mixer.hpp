#pragma once

#include <cstdint>
#include <span>

#include "math/view.hpp"
#include "math/workspace.hpp"
#include "models/layers/linear.hpp"

namespace recollect {

/// The tokens whose output somebody reads: all tokens of a segment, or, in the last layer, the
/// scored positions of the whole sequence.
struct Rows {
  std::span<const std::int32_t> positions;  ///< (R) in the sequence, ascending
  bool all = true;
  [[nodiscard]] Index count() const noexcept { return static_cast<Index>(positions.size()); }
  /// Position of the first token of the segment.
  [[nodiscard]] Index first() const noexcept { return all ? positions.front() : 0; }
};

/// How many numbers of the workspace a layer needs for one segment.
struct Footprint {
  std::int64_t tape = 0;     ///< from forward() to backward()
  std::int64_t scratch = 0;  ///< while backward() runs
};

/// A layer input of which every row is one of few: the first layer's, which reads E[id]. What a row
/// alone determines (projections, gate, lambda) is then computed once a vocabulary row and step; a
/// sequence looks it up, and adds its gradients up by row.
template <class S>
struct Lookup {
  const void* table = nullptr;        ///< what tabulate() gave
  std::span<const std::int32_t> ids;  ///< (n) the table's row at each token
  S* gradient = nullptr;              ///< accumulated, table_size() numbers; null in a forward pass
};

/// A causal sequence mixer with its projections of q, k and v: what the papers call a variant. Row
/// t of the output reads rows 0..t of the input only. S is float to train, double to check.
///
/// A sequence comes in segments of consecutive tokens, from the first to the last, and backwards
/// from the last to the first, so that a segment's numbers stay in the cache from one layer to the
/// next. Every segment but the last is a multiple of chunk() tokens. What flows between segments
/// lives in the carry. Where only some rows are read (Rows::all is false), the sequence is one
/// segment.
///
/// A mixer holds no weights: `theta` and `gradient` are the model's flat buffers. It is shared by
/// all threads; what a pass needs lives in the caller's workspace.
template <class S>
class Mixer {
 public:
  virtual ~Mixer() = default;

  /// What forward() leaves for backward(); each mixer extends it. Lives in the workspace.
  struct Tape {};
  /// What the segments of one sequence share; each mixer extends it. Lives in the workspace.
  struct Carry {};

  /// Tokens of which segments hold a multiple, but for the last; a power of two.
  [[nodiscard]] virtual Index chunk() const noexcept { return 1; }

  /// Makes what all sequences share, for up to `length` tokens. To be called once the weights have
  /// changed, and not beside forward().
  virtual void prepare(const S* theta, Index length) = 0;

  /// Begins a sequence of T tokens.
  /// @param lookup  of the whole sequence, where its segments come with one; else null
  /// @param all  whether all rows will be read
  /// @param backward  whether backward() will follow; without, memory grows like log T only,
  /// except where the mixer itself keeps every token
  [[nodiscard]] virtual Carry* begin(Index tokens, const Lookup<S>* lookup, bool all, bool backward,
                                     Workspace<S>& workspace) const = 0;

  /// y (R, D) = the mixer's output at `rows`, overwritten; u (n, D) the segment's input. With a
  /// lookup, u is not read.
  [[nodiscard]] virtual const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                            const Rows& rows, Carry* carry, View<S> y,
                                            Workspace<S>& workspace) const = 0;

  /// du (n, D) is overwritten; `gradient` is accumulated. dy (R, D) belongs to forward()'s y.
  /// With a lookup, its gradient is accumulated instead, and neither u nor du is touched.
  virtual void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                        const Rows& rows, const Tape* tape, Carry* carry, ConstView<S> dy,
                        View<S> du, Workspace<S>& workspace) const = 0;

  /// Whether a table reaches through the output projection W_o that follows: with a lookup in it,
  /// forward() gives W_o y instead of y, and backward() takes its gradient.
  [[nodiscard]] virtual bool folds_output(const void* /*table*/) const noexcept { return false; }
  /// Whether one ever does.
  [[nodiscard]] virtual bool may_fold_output() const noexcept { return false; }
  /// What every row of u (V, D) alone determines; lives in the workspace. On `threads` threads, as
  /// its counterpart below: the same bits for any number.
  /// @param out     W_o
  /// @param tokens  that will be looked up in this step
  [[nodiscard]] virtual const void* tabulate(const S* theta, ConstView<S> u, const Linear& out,
                                             std::int64_t tokens, int threads,
                                             Workspace<S>& workspace) const = 0;
  /// du (V, D) is overwritten and `gradient` accumulated; `table_gradient` is changed.
  virtual void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Linear& out,
                                 const void* table, S* table_gradient, View<S> du, int threads,
                                 Workspace<S>& workspace) const = 0;
  /// Numbers that the gradient of a table of `rows` rows takes at most.
  [[nodiscard]] virtual Index table_size(Index rows) const noexcept = 0;

  /// Numbers that one layer must keep to go on decoding after `tokens` tokens.
  [[nodiscard]] virtual std::int64_t state_size(std::int64_t tokens) const noexcept = 0;
  /// The largest state_size() of 1..tokens.
  [[nodiscard]] virtual std::int64_t state_size_peak(std::int64_t tokens) const noexcept = 0;
  /// Room that a segment of n tokens and R rows takes; that begin() takes for a sequence.
  /// @param folded  with a lookup that reaches through W_o
  [[nodiscard]] virtual Footprint footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                            bool folded) const noexcept = 0;
  [[nodiscard]] virtual std::int64_t carry_size(std::int64_t tokens, bool all,
                                                bool folded) const noexcept = 0;
  /// Nominal multiply-adds of forward() for T tokens and R rows.
  [[nodiscard]] virtual double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                             bool all) const noexcept = 0;
};

}  // namespace recollect
