#include "models/linear_attention/gate.hpp"

#include "math/portable_math.hpp"
#include "models/kernels/elementwise.hpp"
#include "models/kernels/products.hpp"

namespace recollect {

template <class S>
DecayGate<S>::DecayGate(Gate gate, const LayerContext& context, ParameterLayout& layout,
                        const GateStart& start)
    : gate_(gate), heads_(context.model.heads) {
  if (gate_ == Gate::kNone) return;
  scale_ = start.add_a_log(layout, context.prefix, heads_);
  if (gate_ == Gate::kInput) {
    projection_ = layout.add_matrix(context.prefix + "dt_proj.weight", heads_, context.model.width,
                                    Fill::kNormal, kInitialDeviation);
  }
  bias_ = start.add_dt_bias(layout, context.prefix, heads_);
}

template <class S>
auto DecayGate<S>::forward(const S* theta, ConstView<S> u, Workspace<S>& workspace) const
    -> Result {
  if (gate_ == Gate::kNone) return Result{nullptr, nullptr};
  View<S> g = workspace.matrix(heads_, u.rows());
  View<S> slope = workspace.matrix(heads_, u.rows());
  if (gate_ == Gate::kInput) {
    product_nt<S>(projection_.in(theta), u, slope);
  } else {
    set_zero(slope);
  }
  for (Index h = 0; h < heads_; ++h) {
    for (S& argument : slope.row(h)) argument += theta[bias_.offset + h];
  }
  softplus<S>(nullptr, slope, g, slope);
  for (Index h = 0; h < heads_; ++h) {
    const S factor = -portable::exp(theta[scale_.offset + h]);
    for (S& each : g.row(h)) each *= factor;
    for (S& each : slope.row(h)) each *= factor;
  }
  return Result{g.data(), slope.data()};
}

template <class S>
auto DecayGate<S>::look_up(const Result& table, Index rows, std::span<const std::int32_t> ids,
                           Workspace<S>& workspace) const -> Result {
  if (gate_ == Gate::kNone) return Result{nullptr, nullptr};
  const auto length = static_cast<Index>(ids.size());
  S* g = workspace.take(heads_ * length);
  for (Index h = 0; h < heads_; ++h) {
    for (Index t = 0; t < length; ++t) {
      g[h * length + t] = table.g[h * rows + ids[static_cast<std::size_t>(t)]];
    }
  }
  return Result{g, nullptr};
}

template <class S>
void DecayGate<S>::look_up_backward(std::span<const std::int32_t> ids, const S* dg,
                                    View<S> d_table) const {
  const auto length = static_cast<Index>(ids.size());
  for (Index h = 0; h < d_table.rows(); ++h) {
    for (Index t = 0; t < length; ++t) {
      d_table(h, ids[static_cast<std::size_t>(t)]) += dg[h * length + t];
    }
  }
}

template <class S>
void DecayGate<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Result& result,
                            S* dg, View<S> du) const {
  if (gate_ == Gate::kNone) return;
  const auto by_head = [&](S* numbers) { return recollect::view(numbers, heads_, u.rows()); };
  const View<S> d_argument = by_head(dg);
  add_row_sums_of_products<S>(d_argument, by_head(result.g), gradient + scale_.offset);
  multiply<S>(by_head(result.slope), d_argument);
  add_row_sums<S>(d_argument, gradient + bias_.offset);
  if (gate_ != Gate::kInput) return;
  product_nn<S>(d_argument, u, projection_.in(gradient), Write::kAccumulate);
  product_tn<S>(d_argument, projection_.in(theta), du, Write::kAccumulate);
}

template class DecayGate<float>;
template class DecayGate<double>;

}  // namespace recollect
