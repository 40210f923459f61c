#pragma once

#include "models/linear_attention/parts.hpp"
#include "models/shortcuts/by_id_heads.hpp"
#include "models/shortcuts/first_layer.hpp"
#include "models/shortcuts/qkv_table.hpp"

namespace recollect {

/// A log-linear mixer as a first layer: q, k, v, the gate and lambda of every id once a step. The
/// core then runs as in the mixer, on rows that are looked up; or, where the vocabulary is small
/// and the step long, by id (ByIdHeads), with W_o folded into the table.
template <class S>
class LogLinearTable final : public FirstLayer<S> {
 public:
  /// @param parts  of the mixer, which outlives this
  LogLinearTable(const LogLinearParts<S>& parts, Index vocab, bool by_id)
      : parts_(parts), vocab_(vocab), may_run_by_id_(by_id) {}

  using typename FirstLayer<S>::Tape;
  using typename FirstLayer<S>::Carry;
  [[nodiscard]] Index gradient_size(std::int64_t tokens) const noexcept override;
  void begin_step(const S* theta, ConstView<S> u, const StepShape& step,
                  Workspace<S>& workspace) override;
  void end_step(const S* theta, S* gradient, ConstView<S> u, S* table_gradient, View<S> du,
                int threads, Workspace<S>& workspace) override;
  [[nodiscard]] Carry* begin(const SequenceShape& shape, std::span<const std::int32_t> ids,
                             S* table_gradient, Workspace<S>& workspace) const override;
  [[nodiscard]] const Tape* forward(const S* theta, std::span<const std::int32_t> ids,
                                    const Queries& queries, Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override;
  void backward(const S* theta, S* gradient, std::span<const std::int32_t> ids,
                const Queries& queries, const Tape* tape, Carry* carry, ConstView<S> dy,
                Workspace<S>& workspace) const override;
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept override;

 private:
  struct Table;
  struct MyCarry;
  struct MyTape;
  /// The gradient of the table by row: q, k and v side by side, then the gate's, then lambda's.
  struct Gradient {
    View<S> qkv;     ///< (V, 3 D)
    View<S> g;       ///< (H, V); (0, V) without a gate
    View<S> lambda;  ///< (V, H L)
  };
  [[nodiscard]] bool by_id(std::int64_t tokens) const noexcept;
  [[nodiscard]] Index gate_rows() const noexcept {
    return parts_.gate.present() ? parts_.head_count() : 0;
  }
  /// @param wide  elements before the gate's
  [[nodiscard]] Gradient gradient_of(S* elements, Index wide) const;

  const LogLinearParts<S>& parts_;
  Index vocab_;
  bool may_run_by_id_;
  Table* table_ = nullptr;  // in the workspace of begin_step()
};

}  // namespace recollect
