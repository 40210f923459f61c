#pragma once

#include "models/mixers/projections.hpp"

namespace recollect {

struct MixerContext;

/// `full-quadratic`: causal softmax attention, the quadratic reference. No decay, no levels.
template <class S>
class FullQuadratic final : public Mixer<S> {
 public:
  FullQuadratic(const MixerContext& context, ParameterLayout& layout);

  using typename Mixer<S>::Tape;
  void prepare(Index length) override { projections_.prepare(length); }
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                    const Rows& rows, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                const Rows& rows, const Tape* tape, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const override;
  [[nodiscard]] const void* tabulate(const S* theta, ConstView<S> u,
                                     Workspace<S>& workspace) const override;
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const void* table,
                         S* table_gradient, View<S> du, Workspace<S>& workspace) const override;
  [[nodiscard]] Index table_size(Index rows) const noexcept override;
  /// The key-value cache.
  [[nodiscard]] std::int64_t state_size(std::int64_t tokens) const noexcept override {
    return 2 * tokens * width_;
  }
  [[nodiscard]] std::int64_t state_size_peak(std::int64_t tokens) const noexcept override {
    return state_size(tokens);
  }
  [[nodiscard]] Footprint footprint(std::int64_t tokens, std::int64_t rows,
                                    bool all) const noexcept override;
  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                     bool all) const noexcept override;

 private:
  [[nodiscard]] Index table_rows(const Lookup<S>& lookup) const;

  struct MyTape : Tape {
    typename Projections<S>::Result qkv;
    View<S> core;  ///< (R, H width) what the heads gave
    S* log_sum;    ///< (H, R)
  };
  [[nodiscard]] S scale() const;

  Projections<S> projections_;
  Index width_;
  Index heads_;
};

}  // namespace recollect
