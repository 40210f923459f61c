#pragma once

#include <memory>

#include "models/lambda/lambda.hpp"
#include "models/mixers/gate.hpp"
#include "models/mixers/log_linear.hpp"
#include "models/mixers/projections.hpp"

namespace recollect {

struct MixerContext;

/// Every variant but full-quadratic: projections, decay gate, lambda, and the log-linear core on
/// each head. Which variant it is, its Lambda says.
template <class S>
class LogLinearMixer final : public Mixer<S> {
 public:
  /// @param make_lambda  called between the gate and the end, so that tensors have a fixed order
  LogLinearMixer(const MixerContext& context, ParameterLayout& layout,
                 std::unique_ptr<Lambda<S>> (*make_lambda)(const LambdaContext&, ParameterLayout&));

  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;
  [[nodiscard]] Index chunk() const noexcept override { return chunk_; }
  void prepare(const S* theta, Index length) override { projections_.prepare(theta, length); }
  [[nodiscard]] Carry* begin(Index tokens, bool all, bool backward,
                             Workspace<S>& workspace) const override;
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                    const Rows& rows, Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                const Rows& rows, const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const override;
  [[nodiscard]] const void* tabulate(const S* theta, ConstView<S> u, int threads,
                                     Workspace<S>& workspace) const override;
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const void* table,
                         S* table_gradient, View<S> du, int threads,
                         Workspace<S>& workspace) const override;
  [[nodiscard]] Index table_size(Index rows) const noexcept override;
  [[nodiscard]] std::int64_t state_size(std::int64_t tokens) const noexcept override;
  [[nodiscard]] std::int64_t state_size_peak(std::int64_t tokens) const noexcept override;
  [[nodiscard]] Footprint footprint(std::int64_t tokens, std::int64_t rows,
                                    bool all) const noexcept override;
  [[nodiscard]] std::int64_t carry_size(std::int64_t tokens, bool all) const noexcept override;
  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                     bool all) const noexcept override;

 private:
  struct MyTape;
  struct MyCarry;
  struct Table;
  struct TableGradient;
  [[nodiscard]] TableGradient gradient_views(S* numbers, Index rows) const;

  /// One set of states a head, where the core runs chunk by chunk.
  void start_states(Index tokens, bool backward, typename LogLinearChunkwise<S>::States* states,
                    Workspace<S>& workspace) const;

  /// Whether it is cheaper to run the core at these rows alone, densely, than chunkwise everywhere.
  [[nodiscard]] bool dense_at(Index count, bool all) const noexcept;
  /// One head's share of the inputs.
  [[nodiscard]] CoreInput<S> head_input(const MyTape& tape, Index h) const;

  Projections<S> projections_;
  DecayGate<S> gate_;
  std::unique_ptr<Lambda<S>> lambda_;
  Index width_;
  Index heads_;
  Index chunk_;
  Form form_;
};

}  // namespace recollect
