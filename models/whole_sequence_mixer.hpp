#pragma once

#include "models/kernels/rows.hpp"
#include "models/mixer.hpp"

namespace recollect {

/// A mixer that sees a whole sequence at once and computes every token: the short way to a new
/// variant. What it leaves out are queries at a few positions (they are picked from all), segments
/// (there is one) and states (memory grows like T, also in scoring). A variant begins here, and
/// overrides Mixer itself where that has become too slow.
template <class S>
class WholeSequenceMixer : public Mixer<S> {
 public:
  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;

  /// y (T, D) = the output at every token, overwritten; u (T, D). What the tape holds lives in the
  /// workspace, and so does everything else that is taken here.
  [[nodiscard]] virtual const Tape* forward_all(const S* theta, ConstView<S> u, View<S> y,
                                                Workspace<S>& workspace) const = 0;
  /// du (T, D) is overwritten; `gradient` is accumulated.
  virtual void backward_all(const S* theta, S* gradient, ConstView<S> u, const Tape* tape,
                            ConstView<S> dy, View<S> du, Workspace<S>& workspace) const = 0;

  /// Longer than any sequence: the model cuts none.
  [[nodiscard]] Index chunk() const noexcept final { return Index{1} << 30; }
  [[nodiscard]] Carry* begin(const SequenceShape&, Workspace<S>&) const final { return nullptr; }

  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Queries& queries, Carry*,
                                    View<S> y, Workspace<S>& workspace) const final {
    if (queries.all) return forward_all(theta, u, y, workspace);
    const View<S> all = workspace.matrix(u.rows(), y.cols());
    const Tape* tape = forward_all(theta, u, all, workspace);
    gather_rows<S>(all, queries.positions, y);
    return tape;
  }

  void backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                const Tape* tape, Carry*, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const final {
    const typename Workspace<S>::Scope scope(workspace);
    if (queries.all) return backward_all(theta, gradient, u, tape, dy, du, workspace);
    const View<S> dy_all = workspace.matrix(u.rows(), dy.cols());
    set_zero(dy_all);
    add_to_rows<S>(dy, queries.positions, dy_all);
    backward_all(theta, gradient, u, tape, dy_all, du, workspace);
  }

  /// What forward_all() and backward_all() cost for T tokens.
  [[nodiscard]] virtual Cost cost_all(std::int64_t tokens) const noexcept = 0;

  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept final {
    Cost cost = cost_all(shape.tokens);
    if (shape.all()) return cost;
    const std::int64_t picked = shape.tokens * width();
    cost.tape += picked;
    if (shape.backward) cost.scratch += picked;
    return cost;
  }

 protected:
  /// D
  [[nodiscard]] virtual std::int64_t width() const noexcept = 0;
};

}  // namespace recollect
