#pragma once

#include "models/layers/projections.hpp"

namespace recollect {

struct MixerContext;

/// `full-quadratic`: causal softmax attention, the quadratic reference. No decay, no levels.
template <class S>
class FullQuadratic final : public Mixer<S> {
 public:
  FullQuadratic(const MixerContext& context, ParameterLayout& layout);

  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;
  void prepare(const S* theta, Index length) override { projections_.prepare(theta, length); }
  [[nodiscard]] Carry* begin(Index tokens, const Lookup<S>* lookup, bool all, bool backward,
                             Workspace<S>& workspace) const override;
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                    const Rows& rows, Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                const Rows& rows, const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const override;
  [[nodiscard]] const void* tabulate(const S* theta, ConstView<S> u, const Linear& out,
                                     std::int64_t tokens, int threads,
                                     Workspace<S>& workspace) const override;
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Linear& out,
                         const void* table, S* table_gradient, View<S> du, int threads,
                         Workspace<S>& workspace) const override;
  [[nodiscard]] Index table_size(Index rows) const noexcept override;
  /// The key-value cache.
  [[nodiscard]] std::int64_t state_size(std::int64_t tokens) const noexcept override {
    return 2 * tokens * width_;
  }
  [[nodiscard]] std::int64_t state_size_peak(std::int64_t tokens) const noexcept override {
    return state_size(tokens);
  }
  [[nodiscard]] Footprint footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                    bool folded) const noexcept override;
  /// q, k and v of all tokens, and their gradients: later segments look at earlier keys.
  [[nodiscard]] std::int64_t carry_size(std::int64_t tokens, bool all,
                                        bool) const noexcept override {
    return all ? 6 * tokens * width_ : 0;
  }
  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                     bool all) const noexcept override;

 private:
  [[nodiscard]] Index table_rows(const Lookup<S>& lookup) const;

  struct MyCarry : Carry {
    S* qkv;    ///< (T, 3 D); null where only some rows are read
    S* d_qkv;  ///< the same
  };
  struct MyTape : Tape {
    typename Projections<S>::Result qkv;
    View<S> core;  ///< (R, H width) what the heads gave
    S* log_sum;    ///< (H, R)
  };
  [[nodiscard]] S scale() const;
  /// Columns first .. first + count - 1 of q, k or v of the tokens before `end`.
  [[nodiscard]] View<S> until(S* numbers, Index end, Index first, Index count) const {
    const Index stride = 3 * width_;
    return View<S>(numbers + first, end, count, Eigen::OuterStride<>(stride));
  }

  Projections<S> projections_;
  Index width_;
  Index heads_;
};

}  // namespace recollect
