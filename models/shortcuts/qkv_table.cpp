#include "models/shortcuts/qkv_table.hpp"

#include "models/kernels/rows.hpp"

namespace recollect {

template <class S>
QkvTable<S>::QkvTable(const Projections<S>& projections, const S* theta, ConstView<S> u,
                      int threads, Workspace<S>& workspace)
    : all_(workspace.matrix(u.rows(), 3 * u.cols())) {
  projections.all().template forward<S>(theta, u, all_, threads);
}

template <class S>
auto QkvTable<S>::look_up(const Projections<S>& projections, std::span<const std::int32_t> ids,
                          const Queries& queries, View<S> room, Workspace<S>& workspace) const
    -> Result {
  const ConstView<S> no_input(nullptr, 0, width(), width());
  if (queries.all) {
    gather_rows<S>(all_, ids, room);
    return projections.rotated(queries, no_input, columns(room, 0, width()),
                               columns(room, width(), 2 * width()));
  }
  const View<S> q_rows = workspace.matrix(queries.count(), width());
  gather_rows<S>(q(), ids_at(queries, ids, workspace), q_rows);
  gather_rows<S>(columns(all_, width(), 2 * width()), ids, room);
  return projections.rotated(queries, no_input, q_rows, room);
}

template <class S>
void QkvTable<S>::look_up_backward(const Projections<S>& projections,
                                   std::span<const std::int32_t> ids, const Queries& queries,
                                   const Gradients& d, View<S> table_gradient,
                                   Workspace<S>& workspace) {
  projections.rotate(queries, d.q, d.k, true);
  if (queries.all) {
    add_to_rows<S>(side_by_side(d.q, 3), ids, table_gradient);
    return;
  }
  const Index width = d.q.cols();
  add_to_rows<S>(d.q, ids_at(queries, ids, workspace), columns(table_gradient, 0, width));
  add_to_rows<S>(side_by_side(d.k, 2), ids, columns(table_gradient, width, 2 * width));
}

template <class S>
std::span<const std::int32_t> ids_at(const Queries& queries, std::span<const std::int32_t> ids,
                                     Workspace<S>& workspace) {
  if (queries.all) return ids;
  auto* some = workspace.template array<std::int32_t>(queries.count());
  for (Index r = 0; r < queries.count(); ++r) {
    some[r] = ids[static_cast<std::size_t>(queries.positions[static_cast<std::size_t>(r)])];
  }
  return {some, static_cast<std::size_t>(queries.count())};
}

template std::span<const std::int32_t> ids_at<float>(const Queries&, std::span<const std::int32_t>,
                                                     Workspace<float>&);
template std::span<const std::int32_t> ids_at<double>(const Queries&, std::span<const std::int32_t>,
                                                      Workspace<double>&);
template class QkvTable<float>;
template class QkvTable<double>;

}  // namespace recollect
