#include "models/layers/projections.hpp"

#include "models/kernels/rows.hpp"

namespace recollect {
namespace {

/// A matrix and the next ones of the same width beside it, as one.
template <class S>
ConstView<S> side_by_side(const View<S>& first, Index matrices) {
  return ConstView<S>(first.data(), first.rows(), matrices * first.cols(),
                      Eigen::OuterStride<>(first.outerStride()));
}

}  // namespace

template <class S>
Projections<S>::Projections(const ModelSettings& settings, const std::string& prefix,
                            ParameterLayout& layout)
    : heads_(settings.heads),
      head_width_(settings.width / settings.heads),
      savings_(settings.savings) {
  const auto square = [&](const char* name) {
    return Linear{
        layout.add_matrix(prefix + name, settings.width, settings.width, Fill::kNormal, 0.02)};
  };
  query_ = square("q_proj.weight");
  key_ = square("k_proj.weight");
  value_ = square("v_proj.weight");
  key_value_ = Linear{Tensor{key_.weight.offset, 2 * settings.width, settings.width}};
  all_ = Linear{Tensor{query_.weight.offset, 3 * settings.width, settings.width}};
  if (settings.position == Position::kRope) rotary_.emplace(settings.width / settings.heads);
}

template <class S>
void Projections<S>::prepare(const S* theta, Index length) {
  turned_.prepare(all_, theta);
  if (rotary_) rotary_->prepare(length);
}

template <class S>
void Projections<S>::project(const S* theta, const Linear& projection, Index first, ConstView<S> x,
                             View<S> y) const {
  const Tensor& weight = projection.weight;
  const Index row = (weight.offset - all_.weight.offset) / weight.cols + first;
  if (row % kTurnedRows == 0) {
    turned_.forward(x, y, row);
  } else {
    product_nt<S>(x, recollect::rows(weight.in(theta), first, y.cols()), y);
  }
}

template <class S>
bool Projections<S>::absorbs(std::int64_t tokens, std::int64_t rows, bool few) const noexcept {
  if (!few || !savings_ || rotary_) return false;
  const std::int64_t width = heads_ * head_width_;
  return rows * (width + tokens * (heads_ - 1)) < tokens * width;
}

template <class S>
Index Projections<S>::room_columns(Index tokens, const Rows& rows, bool few) const noexcept {
  if (absorbs(tokens, rows.count(), few)) return 0;
  return (rows.all ? 3 : 2) * heads_ * head_width_;
}

template <class S>
auto Projections<S>::made(ConstView<S> u_rows, View<S> q, View<S> key_value) const -> Result {
  const Index width = q.cols();
  return Result{u_rows,
                constant(q),
                q,
                constant(columns(key_value, 0, width)),
                constant(columns(key_value, width, width)),
                head_width_,
                false};
}

template <class S>
auto Projections<S>::turned(const Rows& rows, ConstView<S> u_rows, View<S> q,
                            View<S> key_value) const -> Result {
  turn(rows, q, columns(key_value, 0, q.cols()), false);
  return made(u_rows, q, key_value);
}

template <class S>
auto Projections<S>::forward(const S* theta, ConstView<S> u, const Rows& rows, bool few,
                             View<S> room, Workspace<S>& workspace) const -> Result {
  const Index width = u.cols();
  if (rows.all) {
    project(theta, all_, 0, u, room);
    return turned(rows, u, columns(room, 0, width), columns(room, width, 2 * width));
  }
  const View<S> gathered = workspace.matrix(rows.count(), width);
  gather_rows<S>(u, rows.positions, gathered);
  const ConstView<S> at_rows = constant(gathered);
  const View<S> q = workspace.matrix(rows.count(), width);
  project(theta, query_, 0, at_rows, q);
  if (absorbs(u.rows(), rows.count(), few)) {
    const View<S> wide = workspace.matrix(rows.count(), heads_ * width);
    for (Index h = 0; h < heads_; ++h) {
      product_nn<S>(constant(columns(q, h * head_width_, head_width_)),
                    head_weights(key_, theta, h), columns(wide, h * width, width));
    }
    return Result{at_rows, constant(q), wide, u, u, width, true};
  }
  project(theta, key_value_, 0, u, room);
  return turned(rows, at_rows, q, room);
}

template <class S>
auto Projections<S>::gradients(const Result& result, View<S> room, Workspace<S>& workspace) const
    -> Gradients {
  const Index width = heads_ * result.width;
  if (result.absorbed) {
    return Gradients{workspace.matrix(result.q.rows(), width),
                     workspace.matrix(result.k.rows(), width),
                     workspace.matrix(result.k.rows(), width)};
  }
  if (room.cols() == 3 * width) {
    return Gradients{columns(room, 0, width), columns(room, width, width),
                     columns(room, 2 * width, width)};
  }
  return Gradients{workspace.matrix(result.q.rows(), width), columns(room, 0, width),
                   columns(room, width, width)};
}

template <class S>
View<S> Projections<S>::core_output(const Result& result, View<S> y,
                                    Workspace<S>& workspace) const {
  return result.absorbed ? workspace.matrix(y.rows(), heads_ * result.width) : y;
}

template <class S>
void Projections<S>::finish(const S* theta, const Result& result, ConstView<S> core,
                            View<S> y) const {
  if (!result.absorbed) return;
  for (Index h = 0; h < heads_; ++h) {
    project(theta, value_, h * head_width_, columns(core, h * result.width, result.width),
            columns(y, h * head_width_, head_width_));
  }
}

template <class S>
ConstView<S> Projections<S>::finish_backward(const S* theta, S* gradient, const Result& result,
                                             ConstView<S> core, ConstView<S> dy,
                                             Workspace<S>& workspace) const {
  if (!result.absorbed) return dy;
  const View<S> d_core = workspace.matrix(core.rows(), core.cols());
  for (Index h = 0; h < heads_; ++h) {
    const ConstView<S> dy_head = columns(dy, h * head_width_, head_width_);
    product_nn<S>(dy_head, head_weights(value_, theta, h),
                  columns(d_core, h * result.width, result.width));
    product_tn<S>(dy_head, columns(core, h * result.width, result.width),
                  head_weights(value_, gradient, h), Write::kAccumulate);
  }
  return constant(d_core);
}

template <class S>
Footprint Projections<S>::footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                    bool few) const noexcept {
  const std::int64_t width = heads_ * head_width_;
  Footprint size;
  size.tape = (all ? 1 : 2) * rows * width;  // queries, and the input at the rows
  size.scratch = all ? 0 : rows * width;     // its gradient
  if (absorbs(tokens, rows, few)) {
    const std::int64_t wide = heads_ * width;
    size.tape += 2 * rows * wide;
    size.scratch += 2 * rows * wide + 2 * tokens * wide + rows * width;
  } else {
    size.tape += 2 * tokens * width;
    size.scratch += (rows + 2 * tokens) * width;
  }
  return size;
}

template <class S>
auto Projections<S>::tabulate(const S* theta, ConstView<S> u, int threads,
                              Workspace<S>& workspace) const -> Result {
  const Index width = u.cols();
  const View<S> room = workspace.matrix(u.rows(), 3 * width);
  all_.forward<S>(theta, u, room, threads);
  return made(u, columns(room, 0, width), columns(room, width, 2 * width));
}

template <class S>
auto Projections<S>::look_up(const Result& table, std::span<const std::int32_t> ids,
                             const Rows& rows, View<S> room, Workspace<S>& workspace) const
    -> Result {
  if (room.cols() == 0) {
    Result result = table;
    result.ids = ids;
    return result;
  }
  const Index width = table.q.cols();
  const ConstView<S> nothing(nullptr, 0, width, Eigen::OuterStride<>(width));
  const Index three = 3 * width;
  // q, k and v of a token lie side by side in the table.
  const ConstView<S> all(table.q.data(), table.q.rows(), three, Eigen::OuterStride<>(three));
  if (rows.all) {
    gather_rows<S>(all, ids, room);
    return turned(rows, nothing, columns(room, 0, width), columns(room, width, 2 * width));
  }
  const View<S> q = workspace.matrix(rows.count(), width);
  gather_rows<S>(constant(table.q), ids_at(rows, ids, workspace), q);
  gather_rows<S>(columns(all, width, 2 * width), ids, room);
  return turned(rows, nothing, q, room);
}

template <class S>
void Projections<S>::look_up_backward(std::span<const std::int32_t> ids, const Rows& rows,
                                      const Gradients& d, Gradients d_table,
                                      Workspace<S>& workspace) const {
  turn(rows, d.q, d.k, true);
  const Index width = d.q.cols();
  const View<S> table(d_table.q.data(), d_table.q.rows(), 3 * width,
                      Eigen::OuterStride<>(3 * width));
  if (rows.all) {
    add_to_rows<S>(side_by_side(d.q, 3), ids, table);
    return;
  }
  add_to_rows<S>(constant(d.q), ids_at(rows, ids, workspace), d_table.q);
  add_to_rows<S>(side_by_side(d.k, 2), ids, columns(table, width, 2 * width));
}

template <class S>
void Projections<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u,
                                       const Gradients& d_table, View<S> du, int threads) const {
  const View<S>& q = d_table.q;
  all_.backward<S>(theta, gradient, u,
                   view(static_cast<const S*>(q.data()), q.rows(), q.outerStride()), du, threads);
}

template <class S>
auto Projections<S>::table_gradients(S* numbers, Index rows) const -> Gradients {
  const Index width = query_.weight.cols;
  const View<S> all = view(numbers, rows, 3 * width);
  return Gradients{columns(all, 0, width), columns(all, width, width),
                   columns(all, 2 * width, width)};
}

template <class S>
void Projections<S>::turn(const Rows& rows, View<S> q, View<S> k, bool back) const {
  if (!rotary_) return;
  rotary_->turn(rows.positions, q, back);
  if (rows.all) {
    rotary_->turn(rows.positions, k, back);
  } else {
    rotary_->turn({}, k, back);
  }
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
                              const Result& result, const Gradients& d, View<S> du,
                              Workspace<S>& workspace) const {
  if (rows.all) {
    turn(rows, d.q, d.k, true);
    all_.backward<S>(theta, gradient, u, side_by_side(d.q, 3), du, Write::kOverwrite);
    return;
  }
  const View<S> du_rows = workspace.matrix(rows.count(), u.cols());
  if (result.absorbed) {
    const View<S> d_plain = workspace.matrix(result.plain.rows(), result.plain.cols());
    du = columns(d.k, 0, result.width) + columns(d.v, 0, result.width);
    for (Index h = 0; h < heads_; ++h) {
      const ConstView<S> dq = columns(constant(d.q), h * result.width, result.width);
      project(theta, key_, h * head_width_, dq, columns(d_plain, h * head_width_, head_width_));
      product_tn<S>(columns(result.plain, h * head_width_, head_width_), dq,
                    head_weights(key_, gradient, h), Write::kAccumulate);
      if (h == 0) continue;
      du += columns(d.k, h * result.width, result.width);
      du += columns(d.v, h * result.width, result.width);
    }
    query_.backward<S>(theta, gradient, result.u_rows, constant(d_plain), du_rows,
                       Write::kOverwrite);
  } else {
    turn(rows, d.q, d.k, true);
    query_.backward<S>(theta, gradient, result.u_rows, constant(d.q), du_rows, Write::kOverwrite);
    key_value_.backward<S>(theta, gradient, u, side_by_side(d.k, 2), du, Write::kOverwrite);
  }
  add_to_rows<S>(constant(du_rows), rows.positions, du);
}

template std::span<const std::int32_t> ids_at<float>(const Rows&, std::span<const std::int32_t>,
                                                     Workspace<float>&);
template std::span<const std::int32_t> ids_at<double>(const Rows&, std::span<const std::int32_t>,
                                                      Workspace<double>&);
template class Projections<float>;
template class Projections<double>;

}  // namespace recollect
