#pragma once

#include <cstdint>
#include <span>

#include "models/mixer.hpp"

namespace recollect {

/// A mixer as a first layer that sees token ids alone: of its input only V rows exist, E[id] (or
/// the norm of it). What a row alone determines is computed once a step, as a table; sequences look
/// it up and add its gradient up by row. That is exact. The table belongs to the mixer, between
/// begin_step() and end_step(), and stands in the workspace that these are given.
///
/// The other functions are those of the mixer, with ids in place of u.
template <class S>
class FirstLayer {
 public:
  using Tape = typename Mixer<S>::Tape;
  using Carry = typename Mixer<S>::Carry;

  virtual ~FirstLayer() = default;

  /// Elements of the table's gradient in a step of so many tokens.
  [[nodiscard]] virtual Index gradient_size(std::int64_t tokens) const noexcept = 0;

  /// Makes the table from u (V, D); after the mixer's own begin_step().
  virtual void begin_step(const S* theta, ConstView<S> u, const StepShape& step,
                          Workspace<S>& workspace) = 0;
  /// `table_gradient` becomes gradients of weights, accumulated, and du (V, D), overwritten.
  virtual void end_step(const S* theta, S* gradient, ConstView<S> u, S* table_gradient, View<S> du,
                        int threads, Workspace<S>& workspace) = 0;

  /// @param ids  (T) of the whole sequence
  /// @param table_gradient  accumulated by backward(); null without one
  [[nodiscard]] virtual Carry* begin(const SequenceShape& shape, std::span<const std::int32_t> ids,
                                     S* table_gradient, Workspace<S>& workspace) const = 0;
  /// @param ids  (n) of the segment
  [[nodiscard]] virtual const Tape* forward(const S* theta, std::span<const std::int32_t> ids,
                                            const Queries& queries, Carry* carry, View<S> y,
                                            Workspace<S>& workspace) const = 0;
  virtual void backward(const S* theta, S* gradient, std::span<const std::int32_t> ids,
                        const Queries& queries, const Tape* tape, Carry* carry, ConstView<S> dy,
                        Workspace<S>& workspace) const = 0;

  /// Sizes alone.
  [[nodiscard]] virtual Cost cost(const SequenceShape& shape) const noexcept = 0;
};

}  // namespace recollect
