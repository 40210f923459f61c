#pragma once

#include <cstdint>
#include <span>

#include "core/matrix.hpp"
#include "core/workspace.hpp"

namespace recollect {

/// The tokens whose output somebody reads: all of them, or, in the last layer, the scored
/// positions.
struct Rows {
  std::span<const std::int32_t> positions;  ///< (R) ascending; 0..T-1 where `all`
  bool all = true;
  [[nodiscard]] Index count() const noexcept { return static_cast<Index>(positions.size()); }
};

/// How many numbers of the workspace a layer needs for one sequence.
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
  std::span<const std::int32_t> ids;  ///< (T) the table's row at each token
  S* gradient = nullptr;              ///< accumulated, table_size() numbers; null in a forward pass
};

/// A causal sequence mixer with its projections of q, k and v: what the papers call a variant. Row
/// t of the output reads rows 0..t of the input only. S is float to train, double to check.
///
/// A mixer holds no weights: `theta` and `gradient` are the model's flat buffers. It is shared by
/// all threads; what a pass needs lives in the caller's workspace.
template <class S>
class Mixer {
 public:
  virtual ~Mixer() = default;

  /// What forward() leaves for backward(); each mixer extends it. Lives in the workspace.
  struct Tape {};

  /// Makes tables for sequences of up to `length` tokens. Not to be called beside forward().
  virtual void prepare(Index length) { (void)length; }

  /// y (R, D) = the mixer's output at `rows`, overwritten; u (T, D). With a lookup, u is not read.
  [[nodiscard]] virtual const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                            const Rows& rows, View<S> y,
                                            Workspace<S>& workspace) const = 0;

  /// du (T, D) is overwritten; `gradient` is accumulated. dy (R, D) belongs to forward()'s y.
  /// With a lookup, its gradient is accumulated instead, and neither u nor du is touched.
  virtual void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                        const Rows& rows, const Tape* tape, ConstView<S> dy, View<S> du,
                        Workspace<S>& workspace) const = 0;

  /// What every row of u (V, D) alone determines; lives in the workspace.
  [[nodiscard]] virtual const void* tabulate(const S* theta, ConstView<S> u,
                                             Workspace<S>& workspace) const = 0;
  /// du (V, D) is overwritten and `gradient` accumulated; `table_gradient` is changed.
  virtual void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const void* table,
                                 S* table_gradient, View<S> du, Workspace<S>& workspace) const = 0;
  /// Numbers of the gradient of a table of `rows` rows.
  [[nodiscard]] virtual Index table_size(Index rows) const noexcept = 0;

  /// Numbers that one layer must keep to go on decoding after `tokens` tokens.
  [[nodiscard]] virtual std::int64_t state_size(std::int64_t tokens) const noexcept = 0;
  /// The largest state_size() of 1..tokens.
  [[nodiscard]] virtual std::int64_t state_size_peak(std::int64_t tokens) const noexcept = 0;
  /// Room that a sequence of T tokens and R rows takes.
  [[nodiscard]] virtual Footprint footprint(std::int64_t tokens, std::int64_t rows,
                                            bool all) const noexcept = 0;
  /// Nominal multiply-adds of forward() for T tokens and R rows.
  [[nodiscard]] virtual double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                             bool all) const noexcept = 0;
};

}  // namespace recollect
