#include "models/mixers/qkv_branches.hpp"

#include <algorithm>
#include <cmath>

#include "models/choose_path.hpp"
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
Var<S> QkvBranches<S>::project(const Segment& segment, int which, tape::Carry<S>& carry,
                               Before& before) const {
  const Branch& own = branches_[which];
  const Var<S> z = segment.project(own.weight);
  if (taps_ == 0) return z;
  Var<S>& rows = before.rows[which];
  const Var<S> y =
      convolve(segment.tape, z, segment.parameter(own.taps), rows, tape::Activation::kSilu);
  if (segment.queries.all && taps_ > 1) {
    rows = carry.keep(last_rows(segment.tape, z, taps_ - 1, rows), before.room[which]);
  }
  return y;
}

template <class S>
Var<S> QkvBranches<S>::project_queries(const Segment& segment, const Var<S>& u_asked,
                                       tape::Carry<S>& carry, Before& before) const {
  tape::Tape<S>& tape = segment.tape;
  const auto positions = segment.queries.positions;
  const Branch& own = branches_[0];
  const auto count = static_cast<Index>(positions.size());
  if (taps_ == 0) return product_bt(tape, u_asked, segment.parameter(own.weight));
  if (!choose_path::convolve_at_queries(segment.u.rows(), count, taps_)) {
    return gather(tape, project(segment, 0, carry, before), positions);
  }
  // The rows that each query's convolution reads, one group after another.
  auto* read = tape.workspace().template array<std::int32_t>(count * taps_);
  auto* last = tape.workspace().template array<std::int32_t>(count);
  for (Index r = 0; r < count; ++r) {
    for (Index j = 0; j < taps_; ++j) {
      const Index token = positions[static_cast<std::size_t>(r)] - (taps_ - 1) + j;
      read[r * taps_ + j] = static_cast<std::int32_t>(std::max<Index>(token, -1));
    }
    last[r] = static_cast<std::int32_t>(r * taps_ + taps_ - 1);
  }
  const auto size = static_cast<std::size_t>(count);
  const Var<S> rows = gather(tape, segment.u, {read, size * static_cast<std::size_t>(taps_)});
  const Var<S> z = product_bt(tape, rows, segment.parameter(own.weight));
  const Var<S> y = convolve(tape, z, segment.parameter(own.taps));
  return silu(tape, gather(tape, y, {last, size}));
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
  out.q = asked.all ? project(segment, 0, carry, before)
                    : project_queries(segment, u_asked, carry, before);
  out.q = rotate_and_norm(segment, out.q, asked);
  out.k = rotate_and_norm(segment, project(segment, 1, carry, before), every);
  out.v = project(segment, 2, carry, before);
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
