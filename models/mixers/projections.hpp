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
  /// Views of consecutive numbers as a Result without input: the gradients of a table of V rows.
  [[nodiscard]] Result gradient_views(S* numbers, Index rows) const;
  [[nodiscard]] Result forward(const S* theta, ConstView<S> u, const Rows& rows,
                               Workspace<S>& workspace) const;

  /// The same for all rows of u, before rotary positions turn them: what a lookup reads.
  [[nodiscard]] Result tabulate(const S* theta, ConstView<S> u, Workspace<S>& workspace) const;
  [[nodiscard]] Result look_up(const Result& table, std::span<const std::int32_t> ids,
                               const Rows& rows, Workspace<S>& workspace) const;
  /// Adds dq, dk and dv, which are changed (turned back), to the rows of the table's gradients.
  void look_up_backward(std::span<const std::int32_t> ids, const Rows& rows, View<S> dq, View<S> dk,
                        View<S> dv, const Result& d_table) const;
  /// du (V, D) is overwritten; `gradient` is accumulated.
  void tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Result& d_table,
                         View<S> du) const;

  /// du (T, D) is overwritten; `gradient` is accumulated. dq and dk are changed (turned back).
  /// du_rows (R, D) is what else flows into the input at the rows; it is changed too.
  void backward(const S* theta, S* gradient, ConstView<S> u, const Rows& rows, const Result& result,
                View<S> dq, View<S> dk, View<S> dv, View<S> du_rows, View<S> du) const;

  [[nodiscard]] double multiply_adds(std::int64_t tokens, std::int64_t rows) const noexcept;

 private:
  /// Rotary positions, where the model has them: at the rows for q, everywhere for k.
  void turn(const Rows& rows, View<S> q, View<S> k, bool back) const;

  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<Rotary<S>> rotary_;
};

/// Row t of `to` = row ids[t] of `table`.
template <class S>
void look_up_rows(ConstView<S> table, std::span<const std::int32_t> ids, View<S> to) {
  for (Index t = 0; t < to.rows(); ++t) to.row(t) = table.row(ids[static_cast<std::size_t>(t)]);
}
/// Adds row t of `from` to row ids[t] of `table`, in the order of t.
template <class S>
void add_to_rows(ConstView<S> from, std::span<const std::int32_t> ids, View<S> table) {
  for (Index t = 0; t < from.rows(); ++t) {
    table.row(ids[static_cast<std::size_t>(t)]) += from.row(t);
  }
}
/// The ids at the rows' positions.
template <class S>
[[nodiscard]] std::span<const std::int32_t> ids_at(const Rows& rows,
                                                   std::span<const std::int32_t> ids,
                                                   Workspace<S>& workspace);

/// Adds row r of `from` (R, D) to row positions[r] of `to` (T, D).
template <class S>
void scatter_rows(const Rows& rows, ConstView<S> from, View<S> to);
/// Copies row positions[r] of `from` to row r of `to`.
template <class S>
void gather_rows(const Rows& rows, ConstView<S> from, View<S> to);

}  // namespace recollect
