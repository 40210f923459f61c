#pragma once

#include <cstdint>
#include <span>

#include "models/layers/projections.hpp"

namespace recollect {

/// Queries, keys and values of every row of a vocabulary, side by side (V, 3 D), before rotation:
/// what a first layer looks up by id.
template <class S>
class QkvTable {
 public:
  using Result = typename Projections<S>::Result;
  using Gradients = typename Projections<S>::Gradients;

  /// Of the rows u (V, D). A view: the elements stand in the workspace.
  QkvTable(const Projections<S>& projections, const S* theta, ConstView<S> u, int threads,
           Workspace<S>& workspace);

  [[nodiscard]] Index rows() const noexcept { return all_.rows(); }
  [[nodiscard]] View<S> q() const { return columns(all_, 0, width()); }
  [[nodiscard]] ConstView<S> k() const { return columns(all_, width(), width()); }
  [[nodiscard]] ConstView<S> v() const { return columns(all_, 2 * width(), width()); }

  /// Whether every token's q, k and v are rows of the table, with nothing to be done to them.
  [[nodiscard]] static bool read_in_place(const Projections<S>& projections,
                                          const Queries& queries) noexcept {
    return queries.all && !projections.rotates();
  }
  /// The table itself as a result: token t's q, k and v are the row of its id.
  [[nodiscard]] Result in_place(const Projections<S>& projections) const {
    return Result{q(), q(), q(), k(), v(), projections.head_width(), false};
  }
  /// What the projections would give for tokens with these ids. @param room  as theirs
  [[nodiscard]] Result look_up(const Projections<S>& projections, std::span<const std::int32_t> ids,
                               const Queries& queries, View<S> room, Workspace<S>& workspace) const;
  /// Adds `d`, which is changed (rotated back), to the rows of the table's gradient (V, 3 D).
  static void look_up_backward(const Projections<S>& projections, std::span<const std::int32_t> ids,
                               const Queries& queries, const Gradients& d, View<S> table_gradient,
                               Workspace<S>& workspace);

 private:
  [[nodiscard]] Index width() const noexcept { return all_.cols() / 3; }

  View<S> all_;
};

/// The ids at the queries' positions.
template <class S>
[[nodiscard]] std::span<const std::int32_t> ids_at(const Queries& queries,
                                                   std::span<const std::int32_t> ids,
                                                   Workspace<S>& workspace);

}  // namespace recollect
