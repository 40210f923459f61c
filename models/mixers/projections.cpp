#include "models/mixers/projections.hpp"

namespace recollect {

template <class S>
Projections<S>::Projections(const ModelSettings& settings, const std::string& prefix,
                            ParameterLayout& layout) {
  const auto square = [&](const char* name) {
    return Linear{
        layout.add_matrix(prefix + name, settings.width, settings.width, Fill::kNormal, 0.02)};
  };
  query_ = square("q_proj.weight");
  key_ = square("k_proj.weight");
  value_ = square("v_proj.weight");
  if (settings.position == Position::kRope) rotary_.emplace(settings.width / settings.heads);
}

template <class S>
void Projections<S>::prepare(Index length) {
  if (rotary_) rotary_->prepare(length);
}

template <class S>
auto Projections<S>::forward(const S* theta, ConstView<S> u, const Rows& rows,
                             Workspace<S>& workspace) const -> Result {
  const Index width = u.cols();
  ConstView<S> u_rows = u;
  if (!rows.all) {
    View<S> gathered = workspace.matrix(rows.count(), width);
    gather_rows<S>(rows, u, gathered);
    new (&u_rows) ConstView<S>(constant(gathered));
  }
  const Result result{u_rows, workspace.matrix(rows.count(), width),
                      workspace.matrix(u.rows(), width), workspace.matrix(u.rows(), width)};
  query_.forward<S>(theta, u_rows, result.q);
  key_.forward<S>(theta, u, result.k);
  value_.forward<S>(theta, u, result.v);
  turn(rows, result.q, result.k, false);
  return result;
}

template <class S>
auto Projections<S>::tabulate(const S* theta, ConstView<S> u, Workspace<S>& workspace) const
    -> Result {
  const Index width = u.cols();
  const Result table{u, workspace.matrix(u.rows(), width), workspace.matrix(u.rows(), width),
                     workspace.matrix(u.rows(), width)};
  query_.forward<S>(theta, u, table.q);
  key_.forward<S>(theta, u, table.k);
  value_.forward<S>(theta, u, table.v);
  return table;
}

template <class S>
auto Projections<S>::look_up(const Result& table, std::span<const std::int32_t> ids,
                             const Rows& rows, Workspace<S>& workspace) const -> Result {
  const Index width = table.q.cols();
  const auto length = static_cast<Index>(ids.size());
  const Result result{ConstView<S>(nullptr, 0, width, Eigen::OuterStride<>(width)),
                      workspace.matrix(rows.count(), width), workspace.matrix(length, width),
                      workspace.matrix(length, width)};
  look_up_rows<S>(constant(table.q), ids_at(rows, ids, workspace), result.q);
  look_up_rows<S>(constant(table.k), ids, result.k);
  look_up_rows<S>(constant(table.v), ids, result.v);
  turn(rows, result.q, result.k, false);
  return result;
}

template <class S>
void Projections<S>::look_up_backward(std::span<const std::int32_t> ids, const Rows& rows,
                                      View<S> dq, View<S> dk, View<S> dv,
                                      const Result& d_table) const {
  turn(rows, dq, dk, true);
  View<S> table_dq = d_table.q;
  for (Index r = 0; r < dq.rows(); ++r) {
    const auto t = static_cast<std::size_t>(rows.positions[static_cast<std::size_t>(r)]);
    table_dq.row(ids[t]) += dq.row(r);
  }
  add_to_rows<S>(constant(dk), ids, d_table.k);
  add_to_rows<S>(constant(dv), ids, d_table.v);
}

template <class S>
void Projections<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u,
                                       const Result& d_table, View<S> du) const {
  query_.backward<S>(theta, gradient, u, constant(d_table.q), du, Write::kOverwrite);
  key_.backward<S>(theta, gradient, u, constant(d_table.k), du, Write::kAccumulate);
  value_.backward<S>(theta, gradient, u, constant(d_table.v), du, Write::kAccumulate);
}

template <class S>
auto Projections<S>::gradient_views(S* numbers, Index rows) const -> Result {
  const Index width = query_.weight.cols;
  const auto part = [&](Index i) { return view(numbers + i * rows * width, rows, width); };
  return Result{ConstView<S>(nullptr, 0, width, Eigen::OuterStride<>(width)), part(0), part(1),
                part(2)};
}

template <class S>
void Projections<S>::turn(const Rows& rows, View<S> q, View<S> k, bool back) const {
  if (!rotary_) return;
  rotary_->turn(rows.positions, q, back);
  rotary_->turn({}, k, back);
}

template <class S>
std::span<const std::int32_t> ids_at(const Rows& rows, std::span<const std::int32_t> ids,
                                     Workspace<S>& workspace) {
  if (rows.all) return ids;
  auto* some = workspace.template array<std::int32_t>(rows.count());
  for (Index r = 0; r < rows.count(); ++r) {
    some[r] = ids[static_cast<std::size_t>(rows.positions[static_cast<std::size_t>(r)])];
  }
  return {some, static_cast<std::size_t>(rows.count())};
}

template <class S>
double Projections<S>::multiply_adds(std::int64_t tokens, std::int64_t rows) const noexcept {
  const auto square = static_cast<double>(query_.weight.size());
  return square * (2.0 * static_cast<double>(tokens) + static_cast<double>(rows));
}

template <class S>
void Projections<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Rows& rows,
                              const Result& result, View<S> dq, View<S> dk, View<S> dv,
                              View<S> du_rows, View<S> du) const {
  turn(rows, dq, dk, true);
  query_.backward<S>(theta, gradient, result.u_rows, constant(dq), du_rows, Write::kAccumulate);
  key_.backward<S>(theta, gradient, u, constant(dk), du, Write::kOverwrite);
  value_.backward<S>(theta, gradient, u, constant(dv), du, Write::kAccumulate);
  scatter_rows<S>(rows, constant(du_rows), du);
}

template <class S>
void scatter_rows(const Rows& rows, ConstView<S> from, View<S> to) {
  if (rows.all) {
    to += from;
    return;
  }
  for (Index r = 0; r < from.rows(); ++r) {
    to.row(rows.positions[static_cast<std::size_t>(r)]) += from.row(r);
  }
}

template <class S>
void gather_rows(const Rows& rows, ConstView<S> from, View<S> to) {
  for (Index r = 0; r < to.rows(); ++r) {
    to.row(r) = from.row(rows.positions[static_cast<std::size_t>(r)]);
  }
}

template std::span<const std::int32_t> ids_at<float>(const Rows&, std::span<const std::int32_t>,
                                                     Workspace<float>&);
template std::span<const std::int32_t> ids_at<double>(const Rows&, std::span<const std::int32_t>,
                                                      Workspace<double>&);
template class Projections<float>;
template class Projections<double>;
template void scatter_rows<float>(const Rows&, ConstView<float>, View<float>);
template void scatter_rows<double>(const Rows&, ConstView<double>, View<double>);
template void gather_rows<float>(const Rows&, ConstView<float>, View<float>);
template void gather_rows<double>(const Rows&, ConstView<double>, View<double>);

}  // namespace recollect
