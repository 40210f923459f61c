#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "math/workspace.hpp"
#include "models/linear_attention/gate_settings.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// The decay gate of all heads: g_t = -exp(A_log) softplus(w_dt . u_t + dt_bias), the logarithm of
/// the decay from token t-1 to t (Mamba-2, arXiv 2405.21060). `constant` leaves w_dt out; `none`
/// has g = 0.
template <class S>
class DecayGate {
 public:
  DecayGate(Gate gate, const LayerContext& context, ParameterLayout& layout,
            const GateStart& start = {});

  struct Result {
    S* g;      ///< (H, T), <= 0
    S* slope;  ///< (H, T) of g, by the argument of the softplus
    /// Null where there is no decay.
    [[nodiscard]] const S* head(Index h, Index length) const {
      return g == nullptr ? nullptr : g + h * length;
    }
  };

  [[nodiscard]] Result forward(const S* theta, ConstView<S> u, Workspace<S>& workspace) const;

  /// The gate at the rows `ids` of a table that forward() made of `rows` rows.
  [[nodiscard]] Result look_up(const Result& table, Index rows, std::span<const std::int32_t> ids,
                               Workspace<S>& workspace) const;
  /// Adds dg (H, T) to the rows of the table's gradient (H, V).
  void look_up_backward(std::span<const std::int32_t> ids, const S* dg, View<S> d_table) const;

  /// dg (H, T) is changed; du (T, D) and `gradient` are accumulated.
  void backward(const S* theta, S* gradient, ConstView<S> u, const Result& result, S* dg,
                View<S> du) const;

  [[nodiscard]] bool present() const noexcept { return gate_ != Gate::kNone; }
  [[nodiscard]] double multiply_adds(std::int64_t tokens) const noexcept {
    return gate_ == Gate::kInput ? static_cast<double>(tokens * projection_.size()) : 0.0;
  }

 private:
  Gate gate_;
  Index heads_;
  Tensor scale_;       // A_log (H)
  Tensor projection_;  // dt_proj.weight (H, D)
  Tensor bias_;        // dt_bias (H)
};

}  // namespace recollect
