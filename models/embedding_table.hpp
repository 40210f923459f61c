#pragma once

#include <cstdint>

#include "models/block.hpp"

namespace recollect {

/// The first layer over all rows of E, once a step, where it sees token ids alone: the norm of E in
/// front of a pre-norm mixer, then the mixer's own table.
template <class S>
class EmbeddingTable {
 public:
  /// @param block  the first of the model's, which outlives this; without the shortcut nothing is
  /// ever tabulated
  EmbeddingTable(const Block<S>& block, const Tensor& embedding, Norm norm, bool sees_ids_alone)
      : first_layer_(sees_ids_alone ? block.first_layer() : nullptr),
        norm_(norm == Norm::kPre ? &block.norm() : nullptr),
        embedding_(embedding) {}

  /// Whether a step of so many tokens tabulates.
  [[nodiscard]] bool pays(std::int64_t tokens) const noexcept;
  /// Whether this step does.
  [[nodiscard]] bool active() const noexcept { return active_; }
  /// Elements of the table's gradient in such a step; 0 where there is no table.
  [[nodiscard]] Index gradient_size(std::int64_t tokens) const noexcept {
    return pays(tokens) ? first_layer_->gradient_size(tokens) : 0;
  }

  void begin_step(const S* theta, const StepShape& step);
  /// `table_gradient` becomes gradients of weights.
  void end_step(const S* theta, S* gradient, S* table_gradient, int threads);

 private:
  FirstLayer<S>* first_layer_;
  const RowNorm* norm_;  ///< null without one in front of the mixer
  Tensor embedding_;
  Workspace<S> workspace_;
  bool active_ = false;
  const S* u_ = nullptr;       ///< (V, D) what the mixer reads: E, or its norm
  const S* normal_ = nullptr;  ///< (V, D) of the norm
  const S* inverse_sd_ = nullptr;
};

}  // namespace recollect
