#pragma once

#include <cstdint>
#include <span>

#include "models/shortcuts/by_id.hpp"
#include "models/shortcuts/qkv_table.hpp"

namespace recollect {

/// LogLinearById on each of H heads, with the scores A = q k^T and the values B = v W_o^T of every
/// id, made once a step. A record in the workspace.
template <class S>
class ByIdHeads {
 public:
  using Core = LogLinearById<S>;

  struct Carry {
    const typename Core::Sequence** heads;  ///< (H)
  };
  struct Tape {
    typename Core::Tape* heads;  ///< (H)
  };

  /// @param g  (H, V) log of the decay; null: none
  /// @param lambda  (V, H L)
  /// @param output  W_o (D, D)
  ByIdHeads(Index heads, const QkvTable<S>& qkv, const S* g, ConstView<S> lambda,
            ConstView<S> output, int threads, Workspace<S>& workspace);

  /// Elements of the gradients of A and B.
  [[nodiscard]] static Index gradient_size(Index heads, Index vocab, Index width) noexcept {
    return heads * vocab * (vocab + width);
  }
  [[nodiscard]] Index gradient_size() const noexcept {
    return gradient_size(heads_, vocab(), values_.cols());
  }
  /// The gradients of A and B become those of q, k and v, (V, 3 D), overwritten, and of W_o,
  /// accumulated.
  void end_step(S* elements, ConstView<S> output, View<S> d_output, View<S> d_qkv,
                int threads) const;

  [[nodiscard]] const Carry* begin(std::span<const std::int32_t> ids, bool backward,
                                   Workspace<S>& workspace) const;
  /// z (n, D) = W_o y of the segment whose first token is `first`, overwritten.
  [[nodiscard]] const Tape* forward(const Carry& carry, std::span<const std::int32_t> ids,
                                    Index first, View<S> z, Workspace<S>& workspace) const;
  /// Gradients of A and B (`elements`), of g (H, V) and lambda (V, H L) are accumulated.
  void backward(const Carry& carry, const Tape& tape, std::span<const std::int32_t> ids,
                Index first, ConstView<S> dz, S* elements, View<S> dg, View<S> d_lambda,
                Workspace<S>& workspace) const;

  [[nodiscard]] static Cost cost(const SequenceShape& shape, Index heads, Index vocab, Index width,
                                 bool has_levels) noexcept;

 private:
  [[nodiscard]] Index vocab() const noexcept { return lambda_.rows(); }
  [[nodiscard]] Index levels() const noexcept { return lambda_.cols() / heads_; }
  [[nodiscard]] typename Core::Table table_of(Index h) const;
  /// Head h's part of the gradients of A (V, V) and of B (V, D).
  [[nodiscard]] View<S> d_scores(S* elements, Index h) const;
  [[nodiscard]] View<S> d_values(S* elements, Index h) const;

  Index heads_;
  QkvTable<S> qkv_;
  const S* g_;
  ConstView<S> lambda_;
  View<S> scores_;  ///< (H V, V) A
  View<S> values_;  ///< (H V, D) B
};

}  // namespace recollect
