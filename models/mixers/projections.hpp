#pragma once

#include <optional>
#include <string>

#include "models/layers/linear.hpp"
#include "models/layers/rotary.hpp"
#include "models/mixers/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// Queries, keys and values of a layer's input, turned by rotary positions where the model has
/// them. Queries are needed at `rows` only, keys and values everywhere.
template <class S>
class Projections {
 public:
  Projections(const ModelSettings& settings, const std::string& prefix, ParameterLayout& layout);

  struct Result {
    ConstView<S> u_rows;  ///< (R, D) the input at the rows
    View<S> q;            ///< (R, D)
    View<S> k;            ///< (T, D)
    View<S> v;            ///< (T, D)
  };

  void prepare(Index length);
  [[nodiscard]] Result forward(const S* theta, ConstView<S> u, const Rows& rows,
                               Workspace<S>& workspace) const;

  /// du (T, D) is overwritten; `gradient` is accumulated. dq and dk are changed (turned back).
  /// du_rows (R, D) is what else flows into the input at the rows; it is changed too.
  void backward(const S* theta, S* gradient, ConstView<S> u, const Rows& rows, const Result& result,
                View<S> dq, View<S> dk, View<S> dv, View<S> du_rows, View<S> du) const;

  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows) const noexcept;

 private:
  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<Rotary<S>> rotary_;
};

/// Adds row r of `from` (R, D) to row positions[r] of `to` (T, D).
template <class S>
void scatter_rows(const Rows& rows, ConstView<S> from, View<S> to);
/// Copies row positions[r] of `from` to row r of `to`.
template <class S>
void gather_rows(const Rows& rows, ConstView<S> from, View<S> to);

}  // namespace recollect
