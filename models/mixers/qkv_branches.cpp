#include "models/mixers/qkv_branches.hpp"

#include <algorithm>
#include <cmath>

#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rotary.hpp"
#include "models/tape/rows.hpp"

namespace recollect {

using tape::Var;

namespace {

constexpr double kLengthEpsilon = 1e-6;  // of q and k

}  // namespace

template <class S>
QkvBranches<S>::QkvBranches(const LayerContext& context, const LinearOptions& options,
                            ParameterLayout& layout)
    : heads_(context.model.heads),
      key_width_(options.key_width > 0 ? options.key_width : context.model.width / heads_),
      value_width_(options.value_width > 0 ? options.value_width : context.model.width / heads_),
      taps_(options.qkv_conv),
      normed_(options.qk_norm == QkNorm::kL2) {
  constexpr const char* kWeights[] = {"q_proj.weight", "k_proj.weight", "v_proj.weight"};
  constexpr const char* kTaps[] = {"q_conv.weight", "k_conv.weight", "v_conv.weight"};
  for (int i = 0; i < 3; ++i) {
    Branch& own = branches_[i];
    own.columns = heads_ * (i == 2 ? value_width_ : key_width_);
    own.weight = layout.add_matrix(context.prefix + kWeights[i], own.columns, context.model.width,
                                   Fill::kNormal, kInitialDeviation);
  }
  if (taps_ > 0) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(taps_));
    for (int i = 0; i < 3; ++i) {
      branches_[i].taps = layout.add_matrix(context.prefix + kTaps[i], taps_, branches_[i].columns,
                                            Fill::kUniform, bound);
    }
  }
  if (context.model.position == Position::kRope) rotary_.emplace(key_width_);
}

template <class S>
void QkvBranches<S>::begin_step(const StepShape& step) {
  if (rotary_) rotary_->prepare(step.longest);
}

template <class S>
auto QkvBranches<S>::begin(const SequenceShape& shape, tape::Carry<S>& carry,
                           Workspace<S>& workspace) const -> Before {
  Before before{{}, {}};
  const Index reach = taps_ - 1;
  if (reach <= 0 || !shape.all()) return before;
  for (int i = 0; i < 3; ++i) {
    carry.expect(reach, branches_[i].columns, 1);
    before.room[i] = shape.backward ? nullptr : workspace.take(reach * branches_[i].columns);
  }
  return before;
}

template <class S>
Var<S> QkvBranches<S>::project(const Segment& segment, const Var<S>& u, int which,
                               tape::Carry<S>& carry, Before& before) const {
  const Branch& own = branches_[which];
  const Var<S> z = product_bt(segment.tape, u, segment.parameter(own.weight));
  if (taps_ == 0) return z;
  Var<S>& rows = before.rows[which];
  const Var<S> y = convolve(segment.tape, z, segment.parameter(own.taps), rows);
  if (segment.queries.all && taps_ > 1) {
    rows = carry.keep(last_rows(segment.tape, z, taps_ - 1, rows), before.room[which]);
  }
  return silu(segment.tape, y);
}

template <class S>
Var<S> QkvBranches<S>::rotate_and_norm(const Segment& segment, Var<S> x, const Queries& at) const {
  if (rotary_) x = rotate(segment.tape, x, segment.rehearsal ? nullptr : &*rotary_, at.positions);
  if (normed_) {
    x = normalise_rows(segment.tape, x, static_cast<S>(kLengthEpsilon), false, heads_);
  }
  return x;
}

template <class S>
auto QkvBranches<S>::run(const Segment& segment, const Var<S>& u_asked, const Queries& asked,
                         const Queries& every, tape::Carry<S>& carry, Before& before) const
    -> Result {
  Result out;
  if (taps_ > 0 || asked.all) {
    out.q = project(segment, segment.u, 0, carry, before);
    if (!asked.all) out.q = gather(segment.tape, out.q, asked.positions);
  } else {
    out.q = project(segment, u_asked, 0, carry, before);
  }
  out.q = rotate_and_norm(segment, out.q, asked);
  out.k = rotate_and_norm(segment, project(segment, segment.u, 1, carry, before), every);
  out.v = project(segment, segment.u, 2, carry, before);
  return out;
}

template <class S>
std::int64_t QkvBranches<S>::state(std::int64_t tokens) const noexcept {
  const std::int64_t rows = std::min<std::int64_t>(std::max<Index>(taps_ - 1, 0), tokens);
  return rows * heads_ * (2 * key_width_ + value_width_);
}

template class QkvBranches<float>;
template class QkvBranches<double>;

}  // namespace recollect
