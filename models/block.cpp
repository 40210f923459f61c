#include "models/block.hpp"

#include <algorithm>
#include <cmath>

#include "models/kernels/rows.hpp"

namespace recollect {

/// R rows where the layer's output is read; the norm before a pre-norm mixer has n.
template <class S>
struct Block<S>::Tape {
  S* z = nullptr;  ///< (n, D) what the convolution reads
  S* u = nullptr;  ///< (n, D) what the mixer reads
  Index halo = 0;  ///< rows of earlier tokens before z and u that the convolution reaches
  const typename Mixer<S>::Tape* mixer = nullptr;
  S* normal = nullptr;  ///< of the norm
  S* inverse_sd = nullptr;
  S* mlp_in = nullptr;  ///< (R, D)
  const Mlp::Tape<S>* mlp = nullptr;
  S* mlp_normal = nullptr;
  S* mlp_inverse_sd = nullptr;
};

template <class S>
Block<S>::Block(const LayerContext& context, const MixerSettings& mixer, ParameterLayout& layout)
    : norm_place_(context.model.norm),
      width_(context.model.width),
      taps_(context.model.short_conv),
      mlp_ratio_(context.model.mlp) {
  if (taps_ > 0) {
    convolution_ = ShortConvolution{layout.add_matrix(context.prefix + "short_conv.weight", taps_,
                                                      width_, Fill::kUniform,
                                                      1.0 / std::sqrt(static_cast<double>(taps_)))};
  }
  mixer_ = mixer.make<S>(context, layout);
  norm_ = add_norm(layout, context.prefix + "norm", width_, context.model.norm_kind);
  if (mlp_ratio_ == 0) return;
  const auto linear = [&](const char* name, Index rows, Index cols) {
    return Linear{
        layout.add_matrix(context.prefix + name, rows, cols, Fill::kNormal, kInitialDeviation)};
  };
  const Index hidden = mlp_ratio_ * width_;
  Linear in = linear("mlp.w1.weight", hidden, width_);
  mlp_ = Mlp{in, linear("mlp.w2.weight", width_, hidden), {}};
  if (context.model.mlp_kind == MlpKind::kSwiglu) {
    mlp_->gate = linear("mlp.w3.weight", hidden, width_);
  }
  mlp_norm_ = add_norm(layout, context.prefix + "mlp_norm", width_, context.model.norm_kind);
}

template <class S>
auto Block<S>::begin(const SequenceShape& shape, std::span<const std::int32_t> ids,
                     S* table_gradient, Workspace<S>& workspace) const -> Carry {
  Carry carry;
  carry.mixer = ids.empty() ? mixer_->begin(shape, workspace)
                            : first_layer()->begin(shape, ids, table_gradient, workspace);
  carry.z = workspace.take(reach() * width_);
  carry.dz = workspace.take(reach() * width_);
  std::fill(carry.dz, carry.dz + reach() * width_, S(0));
  return carry;
}

template <class S>
void Block<S>::read_input(const S* theta, const Input& input, const Queries& queries,
                          const Carry& carry, Tape& tape, Workspace<S>& workspace) const {
  const auto full = [&](S* data) { return view(data, input.tokens, width_); };
  // The convolution of a later segment reaches back into the one before.
  tape.halo = queries.first() > 0 ? reach() : 0;
  tape.z = input.x;
  if (tape.halo > 0 || pre_norm()) {
    tape.z = workspace.take((tape.halo + input.tokens) * width_) + tape.halo * width_;
  }
  if (pre_norm()) {
    tape.normal = workspace.take(input.tokens * width_);
    tape.inverse_sd = workspace.take(input.tokens);
    norm_.forward(theta, full(input.x), full(tape.normal), tape.inverse_sd, full(tape.z));
  } else if (tape.halo > 0) {
    copy(full(input.x), full(tape.z));
  }
  tape.u = tape.z;
  if (!convolution_) return;
  const Index rows = tape.halo + input.tokens;
  S* from = tape.z - tape.halo * width_;
  std::copy(carry.z, carry.z + tape.halo * width_, from);
  tape.u = workspace.take(rows * width_) + tape.halo * width_;
  convolution_->forward(theta, view(from, rows, width_),
                        view(tape.u - tape.halo * width_, rows, width_));
  if (rows >= reach()) {
    std::copy(from + (rows - reach()) * width_, from + rows * width_, carry.z);
  }
}

template <class S>
void Block<S>::mix(const S* theta, const Input& input, const Queries& queries, const Carry& carry,
                   Tape& tape, View<S> sum, Workspace<S>& workspace) const {
  if (input.by_table()) {
    tape.mixer = first_layer()->forward(theta, input.ids, queries, carry.mixer, sum, workspace);
  } else {
    tape.mixer = mixer_->forward(theta, view(tape.u, input.tokens, width_), queries, carry.mixer,
                                 sum, workspace);
  }
  if (input.x == nullptr) {
    add_gathered_rows<S>(input.embedding, input.ids, sum);
  } else if (queries.all) {
    add(view(input.x, input.tokens, width_), sum);
  } else {
    add_gathered_rows<S>(view(input.x, input.tokens, width_), queries.positions, sum);
  }
}

template <class S>
auto Block<S>::forward(const S* theta, const Input& input, const Queries& queries,
                       const Carry& carry, S* out, Workspace<S>& workspace) const -> const Tape* {
  const Index count = queries.count();
  const auto queried = [&](S* data) { return view(data, count, width_); };
  Tape tape;
  if (!input.by_table()) read_input(theta, input, queries, carry, tape, workspace);
  // x + mixer(u) goes straight to where the next step reads it.
  const View<S> sum = queried(pre_norm() && !mlp_ ? out : workspace.take(count * width_));
  mix(theta, input, queries, carry, tape, sum, workspace);
  if (pre_norm()) {
    if (mlp_) feed_forward(theta, sum, out, tape, workspace);
    return workspace.record(tape);
  }
  tape.normal = sum.data();  // the sum itself is not needed again
  tape.inverse_sd = workspace.take(count);
  const View<S> middle = queried(mlp_ ? workspace.take(count * width_) : out);
  norm_.forward(theta, sum, sum, tape.inverse_sd, middle);
  if (mlp_) feed_forward(theta, middle, out, tape, workspace);
  return workspace.record(tape);
}

template <class S>
void Block<S>::feed_forward(const S* theta, View<S> middle, S* out, Tape& tape,
                            Workspace<S>& workspace) const {
  const Index count = middle.rows();
  const auto queried = [&](S* data) { return view(data, count, width_); };
  tape.mlp_in = middle.data();
  if (pre_norm()) {
    tape.mlp_normal = workspace.take(count * width_);
    tape.mlp_inverse_sd = workspace.take(count);
    tape.mlp_in = workspace.take(count * width_);
    mlp_norm_.forward(theta, middle, queried(tape.mlp_normal), tape.mlp_inverse_sd,
                      queried(tape.mlp_in));
  }
  const View<S> mlp_out = queried(pre_norm() ? out : workspace.take(count * width_));
  tape.mlp = workspace.record(mlp_->forward(theta, queried(tape.mlp_in), mlp_out, workspace));
  add(middle, mlp_out);
  if (pre_norm()) return;
  tape.mlp_normal = mlp_out.data();
  tape.mlp_inverse_sd = workspace.take(count);
  mlp_norm_.forward(theta, mlp_out, mlp_out, tape.mlp_inverse_sd, queried(out));
}

template <class S>
void Block<S>::feed_forward_backward(const S* theta, S* gradient, const Tape& tape, View<S> d_out,
                                     Workspace<S>& workspace) const {
  const Index count = d_out.rows();
  const auto queried = [&](S* data) { return view(data, count, width_); };
  const View<S> d_sum = workspace.matrix(count, width_);
  if (pre_norm()) {  // out = m + MLP(LN2(m))
    mlp_->backward(theta, gradient, queried(tape.mlp_in), *tape.mlp, d_out, d_sum,
                   Write::kOverwrite, workspace);
    mlp_norm_.backward(theta, gradient, queried(tape.mlp_normal), tape.mlp_inverse_sd, d_sum,
                       d_sum);
    add(d_sum, d_out);
  } else {  // out = LN2(m + MLP(m))
    mlp_norm_.backward(theta, gradient, queried(tape.mlp_normal), tape.mlp_inverse_sd, d_out,
                       d_out);
    copy(d_out, d_sum);
    mlp_->backward(theta, gradient, queried(tape.mlp_in), *tape.mlp, d_sum, d_out,
                   Write::kAccumulate, workspace);
  }
}

template <class S>
S* Block<S>::backward(const S* theta, S* gradient, const Input& input, const Queries& queries,
                      const Tape& tape, const Carry& carry, S* d_out, S* dx_data,
                      Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> d_sum = view(d_out, queries.count(), width_);
  const View<S> dx = view(dx_data, input.tokens, width_);
  if (mlp_) feed_forward_backward(theta, gradient, tape, d_sum, workspace);
  if (!pre_norm()) {
    norm_.backward(theta, gradient, view(tape.normal, queries.count(), width_), tape.inverse_sd,
                   d_sum, d_sum);
  }

  // d_sum is now the gradient of x + mixer(u).
  if (input.by_table()) {  // the gradient of the mixer's input ends in the table
    first_layer()->backward(theta, gradient, input.ids, queries, tape.mixer, carry.mixer, d_sum,
                            workspace);
    if (queries.all) return d_out;
    set_zero(dx);
    add_to_rows<S>(d_sum, queries.positions, dx);
    return dx_data;
  }
  S* du = convolution_ ? workspace.take((tape.halo + input.tokens) * width_) + tape.halo * width_
                       : dx_data;
  mixer_->backward(theta, gradient, view(tape.u, input.tokens, width_), queries, tape.mixer,
                   carry.mixer, d_sum, view(du, input.tokens, width_), workspace);
  if (convolution_) convolution_backward(theta, gradient, tape, carry, du, dx, workspace);
  if (pre_norm()) {
    norm_.backward(theta, gradient, view(tape.normal, input.tokens, width_), tape.inverse_sd, dx,
                   dx);
  }
  if (queries.all) {
    add(d_sum, dx);
  } else {
    add_to_rows<S>(d_sum, queries.positions, dx);
  }
  return dx_data;
}

template <class S>
void Block<S>::convolution_backward(const S* theta, S* gradient, const Tape& tape,
                                    const Carry& carry, S* du, View<S> dx,
                                    Workspace<S>& workspace) const {
  const Index tokens = dx.rows();
  const Index count = tape.halo + tokens;
  S* d_from = du - tape.halo * width_;
  std::fill(d_from, du, S(0));  // nobody reads u there
  const View<S> dz = workspace.matrix(count, width_);
  convolution_->backward(theta, gradient, view(tape.z - tape.halo * width_, count, width_),
                         view(d_from, count, width_), dz);
  copy(rows(dz, tape.halo, tokens), dx);
  // Later segments reached into the last rows of this one, as this one does into those before it.
  const Index later = std::min(tokens, reach());
  add(rows(view(carry.dz, reach(), width_), reach() - later, later),
      rows(dx, tokens - later, later));
  copy(rows(dz, 0, tape.halo), view(carry.dz, tape.halo, width_));
}

template <class S>
MixerView<S> Block<S>::inspect(const Tape& tape) const {
  return mixer_->inspect(tape.mixer);
}

template <class S>
Cost Block<S>::cost(const SequenceShape& shape) const noexcept {
  const std::int64_t tokens = shape.tokens * width_;
  const std::int64_t queries = shape.queries * width_;
  Cost cost = mixer_->cost(shape);
  const std::int64_t matrices = mlp_ ? mlp_->matrices() : 0;
  cost.multiply_adds += static_cast<double>(queries) * static_cast<double>(width_) *
                            static_cast<double>(matrices * mlp_ratio_) +
                        static_cast<double>(taps_ * tokens);
  const std::int64_t remembered = width_ * std::min<std::int64_t>(shape.tokens, reach());
  cost.state += remembered;
  cost.state_peak += remembered;
  cost.carry += 2 * reach() * width_;
  // The sum, the norm's input, what the convolution reads and writes; the layer's output.
  cost.tape += 2 * queries + (pre_norm() ? 2 * tokens : 0) + (convolution_ ? 2 * tokens : 0);
  if (mlp_) cost.tape += queries * (matrices * mlp_ratio_ + 3);
  if (!shape.backward) return cost;
  cost.scratch += queries + (convolution_ ? 2 * tokens : 0) + (shape.all() ? tokens : 0);
  if (mlp_) cost.scratch = std::max(cost.scratch, queries * ((matrices - 1) * mlp_ratio_ + 2));
  return cost;
}

template class Block<float>;
template class Block<double>;

}  // namespace recollect
