#include "models/layers/projections.hpp"

#include "models/choose_path.hpp"
#include "models/kernels/rows.hpp"

namespace recollect {

template <class S>
Projections<S>::Projections(const LayerContext& context, ParameterLayout& layout)
    : heads_(context.model.heads),
      head_width_(context.model.width / context.model.heads),
      shortcuts_(context.execution.shortcuts) {
  const Index width = context.model.width;
  const auto square = [&](const char* name) {
    return Linear{
        layout.add_matrix(context.prefix + name, width, width, Fill::kNormal, kInitialDeviation)};
  };
  query_ = square("q_proj.weight");
  key_ = square("k_proj.weight");
  value_ = square("v_proj.weight");
  key_value_ = Linear{Tensor{key_.weight.offset, 2 * width, width}};
  all_ = Linear{Tensor{query_.weight.offset, 3 * width, width}};
  if (context.model.position == Position::kRope) rotary_.emplace(head_width_);
}

template <class S>
void Projections<S>::begin_step(const S* theta, std::int64_t longest) {
  packed_.pack(all_, theta);
  if (rotary_) rotary_->prepare(longest);
}

template <class S>
void Projections<S>::project(const S* theta, const Linear& projection, Index first, ConstView<S> x,
                             View<S> y) const {
  const Tensor& weight = projection.weight;
  const Index row = (weight.offset - all_.weight.offset) / weight.cols + first;
  if (row % kPackedRows == 0) {
    packed_.forward(x, y, row);
  } else {
    product_nt<S>(x, rows(weight.in(theta), first, y.cols()), y);
  }
}

template <class S>
bool Projections<S>::absorbs(std::int64_t tokens, std::int64_t queries,
                             bool may_absorb) const noexcept {
  return may_absorb && shortcuts_ && !rotary_ &&
         choose_path::absorb_keys(tokens, queries, heads_, heads_ * head_width_);
}

template <class S>
Index Projections<S>::room_columns(Index tokens, const Queries& queries,
                                   bool may_absorb) const noexcept {
  if (absorbs(tokens, queries.count(), may_absorb)) return 0;
  return (queries.all ? 3 : 2) * heads_ * head_width_;
}

template <class S>
auto Projections<S>::result_of(ConstView<S> u_queries, View<S> q, View<S> key_value) const
    -> Result {
  const Index width = q.cols();
  return Result{
      u_queries,   q,    q, columns(key_value, 0, width), columns(key_value, width, width),
      head_width_, false};
}

template <class S>
auto Projections<S>::rotated(const Queries& queries, ConstView<S> u_queries, View<S> q,
                             View<S> key_value) const -> Result {
  rotate(queries, q, columns(key_value, 0, q.cols()), false);
  return result_of(u_queries, q, key_value);
}

template <class S>
auto Projections<S>::forward(const S* theta, ConstView<S> u, const Queries& queries,
                             bool may_absorb, View<S> room, Workspace<S>& workspace) const
    -> Result {
  const Index width = u.cols();
  if (queries.all) {
    project(theta, all_, 0, u, room);
    return rotated(queries, u, columns(room, 0, width), columns(room, width, 2 * width));
  }
  const View<S> u_queries = workspace.matrix(queries.count(), width);
  gather_rows<S>(u, queries.positions, u_queries);
  const View<S> q = workspace.matrix(queries.count(), width);
  project(theta, query_, 0, u_queries, q);
  if (absorbs(u.rows(), queries.count(), may_absorb)) {
    return absorb(theta, u, u_queries, q, workspace);
  }
  project(theta, key_value_, 0, u, room);
  return rotated(queries, u_queries, q, room);
}

template <class S>
auto Projections<S>::absorb(const S* theta, ConstView<S> u, ConstView<S> u_queries, View<S> q,
                            Workspace<S>& workspace) const -> Result {
  const Index width = u.cols();
  const View<S> wide = workspace.matrix(q.rows(), heads_ * width);  // W_k^T q of each head
  for (Index h = 0; h < heads_; ++h) {
    product_nn<S>(columns(q, h * head_width_, head_width_), head_weights(key_, theta, h),
                  columns(wide, h * width, width));
  }
  return Result{u_queries, q, wide, u, u, width, true};
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
  for (Index h = 0; h < heads_; ++h) {  // y = W_v sum_s p_s u_s
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
  return d_core;
}

template <class S>
Cost Projections<S>::cost(const SequenceShape& shape, bool may_absorb) const noexcept {
  const std::int64_t width = heads_ * head_width_;
  const auto square = static_cast<double>(width * width);
  Cost cost;
  cost.multiply_adds =
      square * (2.0 * static_cast<double>(shape.tokens) + static_cast<double>(shape.queries));
  cost.tape = (shape.all() ? 1 : 2) * shape.queries * width;  // q, and the input at the queries
  const bool absorbed = absorbs(shape.tokens, shape.queries, may_absorb);
  const std::int64_t wide = heads_ * width;
  cost.tape += absorbed ? 2 * shape.queries * wide : 2 * shape.tokens * width;
  if (!shape.backward) return cost;
  // The gradients of all these.
  cost.scratch = shape.all() ? 0 : shape.queries * width;
  cost.scratch += absorbed ? 2 * (shape.queries + shape.tokens) * wide + shape.queries * width
                           : (shape.queries + 2 * shape.tokens) * width;
  return cost;
}

template <class S>
void Projections<S>::rotate(const Queries& queries, View<S> q, View<S> k, bool back) const {
  if (!rotary_) return;
  rotary_->rotate(queries.positions, q, back);
  if (queries.all) {
    rotary_->rotate(queries.positions, k, back);
  } else {
    rotary_->rotate({}, k, back);
  }
}

template <class S>
void Projections<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                              const Result& result, const Gradients& d, View<S> du,
                              Workspace<S>& workspace) const {
  if (queries.all) {
    rotate(queries, d.q, d.k, true);
    all_.backward<S>(theta, gradient, u, side_by_side(d.q, 3), du, Write::kOverwrite);
    return;
  }
  const View<S> du_queries = workspace.matrix(queries.count(), u.cols());
  if (result.absorbed) {
    const View<S> d_plain = workspace.matrix(result.plain.rows(), result.plain.cols());
    absorb_backward(theta, gradient, result, d, d_plain, du);
    query_.backward<S>(theta, gradient, result.u_queries, d_plain, du_queries, Write::kOverwrite);
  } else {
    rotate(queries, d.q, d.k, true);
    query_.backward<S>(theta, gradient, result.u_queries, d.q, du_queries, Write::kOverwrite);
    key_value_.backward<S>(theta, gradient, u, side_by_side(d.k, 2), du, Write::kOverwrite);
  }
  add_to_rows<S>(du_queries, queries.positions, du);
}

template <class S>
void Projections<S>::absorb_backward(const S* theta, S* gradient, const Result& result,
                                     const Gradients& d, View<S> d_plain, View<S> du) const {
  // u is read as keys and as values, by each head.
  copy(columns(d.k, 0, result.width), du);
  add(columns(d.v, 0, result.width), du);
  for (Index h = 0; h < heads_; ++h) {
    const ConstView<S> dq = columns(d.q, h * result.width, result.width);
    project(theta, key_, h * head_width_, dq, columns(d_plain, h * head_width_, head_width_));
    product_tn<S>(columns(result.plain, h * head_width_, head_width_), dq,
                  head_weights(key_, gradient, h), Write::kAccumulate);
    if (h == 0) continue;
    add(columns(d.k, h * result.width, result.width), du);
    add(columns(d.v, h * result.width, result.width), du);
  }
}

template class Projections<float>;
template class Projections<double>;

}  // namespace recollect
