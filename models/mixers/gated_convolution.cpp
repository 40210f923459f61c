#include "models/mixers/gated_convolution.hpp"

#include <algorithm>
#include <cmath>

#include "models/tape/add_row.hpp"
#include "models/tape/carry.hpp"
#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"

namespace recollect {

using tape::Var;

/// What segments share.
template <class S>
struct GatedConvolution<S>::States : Carry {
  tape::Carry<S> carry;
  Var<S> before;  ///< the last rows of u
  S* room;        ///< theirs
};

template <class S>
GatedConvolution<S>::GatedConvolution(const LayerContext& context, ParameterLayout& layout)
    : TapeMixer<S>(context.model.width) {
  const Index width = context.model.width;
  taps_ = layout.add_matrix(context.prefix + "conv.weight", kTaps, width, Fill::kUniform,
                            1.0 / std::sqrt(static_cast<double>(kTaps)));
  weight_ = layout.add_matrix(context.prefix + "in_proj.weight", width, width, Fill::kNormal,
                              kInitialDeviation);
  bias_ = layout.add_vector(context.prefix + "in_proj.bias", width, Fill::kConstant, 0.0);
  this->declared(layout);
}

template <class S>
auto GatedConvolution<S>::begin_states(const SequenceShape& shape, Workspace<S>& workspace) const
    -> Carry* {
  States* states =
      workspace.record(States{{}, tape::Carry<S>(workspace, shape.backward), {}, nullptr});
  if (!shape.all()) return states;
  states->carry.expect(kTaps - 1, taps_.cols, 1);
  if (!shape.backward) states->room = workspace.take((kTaps - 1) * taps_.cols);
  return states;
}

template <class S>
Var<S> GatedConvolution<S>::run(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Queries& queries = segment.queries;
  States& states = *static_cast<States*>(segment.carry);
  Var<S> u = segment.u;
  Var<S> mixed = convolve(tape, u, segment.parameter(taps_), states.before);
  if (queries.all) {
    states.before = states.carry.keep(last_rows(tape, u, kTaps - 1, states.before), states.room);
  } else {
    u = gather(tape, u, queries.positions);
    mixed = gather(tape, mixed, queries.positions);
  }
  const Var<S> gate =
      add_row(tape, product_bt(tape, u, segment.parameter(weight_)), segment.parameter(bias_));
  return sum(tape, multiply(tape, mixed, gate), u);
}

template <class S>
std::int64_t GatedConvolution<S>::state(std::int64_t tokens) const noexcept {
  return std::min<std::int64_t>(tokens, kTaps - 1) * taps_.cols;
}

template class GatedConvolution<float>;
template class GatedConvolution<double>;

}  // namespace recollect
