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
  if (rotary_) {
    rotary_->turn(rows.positions, result.q, false);
    rotary_->turn({}, result.k, false);
  }
  return result;
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
  if (rotary_) {
    rotary_->turn(rows.positions, dq, true);
    rotary_->turn({}, dk, true);
  }
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

template class Projections<float>;
template class Projections<double>;
template void scatter_rows<float>(const Rows&, ConstView<float>, View<float>);
template void scatter_rows<double>(const Rows&, ConstView<double>, View<double>);
template void gather_rows<float>(const Rows&, ConstView<float>, View<float>);
template void gather_rows<double>(const Rows&, ConstView<double>, View<double>);

}  // namespace recollect
