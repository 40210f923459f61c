#pragma once

#include <memory>

#include "models/level_weights/level_weights.hpp"
#include "models/linear_attention/gate.hpp"
#include "models/linear_attention/core.hpp"
#include "models/shortcuts/by_id.hpp"
#include "models/layers/projections.hpp"

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
  [[nodiscard]] Carry* begin(Index tokens, const Lookup<S>* lookup, bool all, bool backward,
                             Workspace<S>& workspace) const override;
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                    const Rows& rows, Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Lookup<S>* lookup,
                const Rows& rows, const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const override;
  [[nodiscard]] bool folds_output(const void* table) const noexcept override;
  [[nodiscard]] bool may_fold_output() const noexcept override { return by_id_; }
  [[nodiscard]] const void* tabulate(const S* theta, ConstView<S> u, const Linear& out,
                                     std::int64_t tokens, int threads,
                                     Workspace<S>& workspace) const override;
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Linear& out,
                         const void* table, S* table_gradient, View<S> du, int threads,
                         Workspace<S>& workspace) const override;
  [[nodiscard]] Index table_size(Index rows) const noexcept override;
  [[nodiscard]] std::int64_t state_size(std::int64_t tokens) const noexcept override;
  [[nodiscard]] std::int64_t state_size_peak(std::int64_t tokens) const noexcept override;
  [[nodiscard]] Footprint footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                    bool folded) const noexcept override;
  [[nodiscard]] std::int64_t carry_size(std::int64_t tokens, bool all,
                                        bool folded) const noexcept override;
  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows,
                                     bool all) const noexcept override;

 private:
  struct MyTape;
  struct MyCarry;
  struct Table;
  struct TableGradient;
  [[nodiscard]] TableGradient gradient_views(S* numbers, Index rows, bool by_id) const;
  /// Numbers a row of the table's gradients, but for those of the gate and of lambda.
  [[nodiscard]] Index wide_columns(Index rows, bool by_id) const noexcept;

  // The same where the core runs by id: see LogLinearById.
  using ById = LogLinearById<S>;
  struct ByIdTape;
  /// One head's share of the table.
  [[nodiscard]] typename ById::Table by_id_table(const Table& table, Index h) const;
  [[nodiscard]] typename ById::TableGradient by_id_gradient(S* numbers, Index rows, Index h) const;
  [[nodiscard]] const Tape* forward_by_id(const Lookup<S>& lookup, const Rows& rows,
                                          const MyCarry& carry, View<S> z,
                                          Workspace<S>& workspace) const;
  void backward_by_id(const Lookup<S>& lookup, const Rows& rows, const Tape* tape,
                      const MyCarry& carry, ConstView<S> dz, Workspace<S>& workspace) const;
  /// A and B of each head.
  void tabulate_scores(const S* theta, const Linear& out, int threads, const Table& table) const;
  /// Their gradients become those of q, k and v.
  void tabulate_scores_backward(const S* theta, S* gradient, const Linear& out, int threads,
                                const Table& table, S* numbers,
                                const typename Projections<S>::Gradients& d) const;

  /// One set of states a head, where the core runs chunk by chunk.
  void start_states(Index tokens, bool backward, ChunkStates<S>* states,
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
  Index vocab_;  ///< see MixerContext
  bool by_id_;   ///< where there are tokens enough
};

}  // namespace recollect
