#include "models/mixers/linear_mixer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rotary.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/heads.hpp"
#include "models/tape_cores/level_weights.hpp"

namespace recollect {

using tape::Var;

namespace {

constexpr double kLengthEpsilon = 1e-6;  // of q and k
constexpr double kNormEpsilon = 1e-5;    // of the core's output

}  // namespace

/// What segments share.
template <class S>
struct LinearMixer<S>::States : Carry {
  tape::Carry<S> carry;
  Var<S> before[3];           ///< rows of q, k and v that convolutions reach back to
  S* rows[3];                 ///< their room
  WaitingStates<S>* waiting;  ///< (H) of the delta rule
  S* rooms;                   ///< theirs, a state for each slot of each head
  Index slots;
  typename LogLinearHeads<S>::Carry additive;
  TapeHeads<S> seen;  ///< what the core read last
  Var<S> beta;
};

template <class S>
LinearMixer<S>::LinearMixer(const LayerContext& context, const LinearShape& shape,
                            ParameterLayout& layout)
    : TapeMixer<S>(context.model.width),
      shape_(shape),
      width_(context.model.width),
      heads_(context.model.heads),
      key_width_(shape_.options.key_width > 0 ? shape_.options.key_width : width_ / heads_),
      value_width_(shape_.options.value_width > 0 ? shape_.options.value_width : width_ / heads_),
      execution_(context.execution) {
  const auto matrix = [&](const char* name, Index rows) {
    return layout.add_matrix(context.prefix + name, rows, width_, Fill::kNormal, kInitialDeviation);
  };
  q_.weight = matrix("q_proj.weight", heads_ * key_width_);
  k_.weight = matrix("k_proj.weight", heads_ * key_width_);
  v_.weight = matrix("v_proj.weight", heads_ * value_width_);
  if (shape_.options.qkv_conv > 0) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(shape_.options.qkv_conv));
    const auto taps = [&](const char* name, Index columns) {
      return layout.add_matrix(context.prefix + name, shape_.options.qkv_conv, columns,
                               Fill::kUniform, bound);
    };
    q_.taps = taps("q_conv.weight", heads_ * key_width_);
    k_.taps = taps("k_conv.weight", heads_ * key_width_);
    v_.taps = taps("v_conv.weight", heads_ * value_width_);
  }
  if (shape_.gate != Gate::kNone) {
    a_log_ = shape_.gate_start.add_a_log(layout, context.prefix, heads_);
    if (shape_.gate == Gate::kInput) dt_weight_ = matrix("dt_proj.weight", heads_);
    dt_bias_ = shape_.gate_start.add_dt_bias(layout, context.prefix, heads_);
  }
  if (delta()) beta_weight_ = matrix("beta_proj.weight", heads_);
  if (context.model.position == Position::kRope) rotary_.emplace(key_width_);
}

template <class S>
void LinearMixer<S>::finish(const LayerContext& context, ParameterLayout& layout) {
  const Index columns = heads_ * value_width_;
  if (shape_.options.skip) {
    skip_ = layout.add_vector(context.prefix + "skip", heads_, Fill::kConstant, 1.0);
  }
  if (shape_.options.output == CoreOutput::kRmsGate ||
      shape_.options.output == CoreOutput::kGateRms) {
    gate_weight_ = layout.add_matrix(context.prefix + "gate_proj.weight", columns, width_,
                                     Fill::kNormal, kInitialDeviation);
  }
  if (shape_.options.output != CoreOutput::kPlain) {
    norm_weight_ =
        layout.add_vector(context.prefix + "out_norm.weight",
                          shape_.options.output == CoreOutput::kGateRms ? columns : value_width_,
                          Fill::kConstant, 1.0);
  }
  out_weight_ = layout.add_matrix(context.prefix + "out_proj.weight", width_, columns,
                                  Fill::kNormal, output_deviation(context.model));
  this->declared(layout);
  if (!delta()) {
    core_.emplace(typename LogLinearHeads<S>::Shape{heads_, key_width_, value_width_, levels(),
                                                    shape_.chunk, execution_.form});
  }
}

template <class S>
void LinearMixer<S>::begin_step(const S*, const StepShape& step) {
  if (rotary_) rotary_->prepare(step.longest);
}

template <class S>
Index LinearMixer<S>::chunk_of(std::int64_t tokens) const noexcept {
  // The delta rule's other forms are chunkwise, too: in chunks of one token, or in chunks so long
  // that most sequences are one, which takes O(T^3) operations.
  constexpr std::uint64_t kLongest = 256;
  if (execution_.form == Form::kRecurrent) return 1;
  if (execution_.form != Form::kDense) return shape_.chunk;
  return static_cast<Index>(std::min(std::bit_ceil(static_cast<std::uint64_t>(tokens)), kLongest));
}

template <class S>
auto LinearMixer<S>::begin_states(const SequenceShape& shape, Workspace<S>& workspace) const
    -> Carry* {
  States* states = workspace.record(States{
      {}, tape::Carry<S>(workspace, shape.backward), {}, {}, nullptr, nullptr, 0, {}, {}, {}});
  const Index reach = shape_.options.qkv_conv - 1;
  if (reach > 0 && shape.all()) {
    const Index columns[] = {heads_ * key_width_, heads_ * key_width_, heads_ * value_width_};
    for (int i = 0; i < 3; ++i) {
      states->carry.expect(reach, columns[i], 1);
      states->rows[i] = shape.backward ? nullptr : workspace.take(reach * columns[i]);
    }
  }
  if (!delta()) {
    states->additive = core_->begin(shape, workspace);
    return states;
  }
  const ChunkCounter counter{levels() > 0};
  const Index chunk = chunk_of(shape.tokens);
  states->slots = counter.slots((shape.tokens + chunk - 1) / chunk) + 1;
  states->waiting = workspace.template array<WaitingStates<S>>(heads_);
  for (Index h = 0; h < heads_; ++h) {
    new (&states->waiting[h]) WaitingStates<S>{counter, chunk, shape.tokens};
    WaitingStates<S>::expect(states->carry, counter, chunk, shape.tokens, key_width_, value_width_);
  }
  if (!shape.backward) {
    states->rooms = workspace.take(heads_ * states->slots * key_width_ * value_width_);
  }
  return states;
}

template <class S>
Var<S> LinearMixer<S>::branch(const Segment& segment, const Var<S>& u, const Branch& own,
                              int which) const {
  const Var<S> z = product_bt(segment.tape, u, segment.parameter(own.weight));
  if (shape_.options.qkv_conv == 0) return z;
  States& states = *static_cast<States*>(segment.carry);
  Var<S>& before = states.before[which];
  const Var<S> y = convolve(segment.tape, z, segment.parameter(own.taps), before);
  if (segment.queries.all && shape_.options.qkv_conv > 1) {
    before = states.carry.keep(last_rows(segment.tape, z, shape_.options.qkv_conv - 1, before),
                               states.rows[which]);
  }
  return silu(segment.tape, y);
}

template <class S>
Var<S> LinearMixer<S>::rotated_and_normed(const Segment& segment, Var<S> x,
                                          const Queries& at) const {
  if (rotary_) x = rotate(segment.tape, x, segment.rehearsal ? nullptr : &*rotary_, at.positions);
  if (shape_.options.qk_norm == QkNorm::kL2) {
    x = normalise_rows(segment.tape, x, static_cast<S>(kLengthEpsilon), false, heads_);
  }
  return x;
}

template <class S>
Var<S> LinearMixer<S>::step_sizes(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Var<S> bias = segment.parameter(dt_bias_);
  if (shape_.gate == Gate::kInput) {
    return softplus(tape, product_bt(tape, segment.u, segment.parameter(dt_weight_)), bias);
  }
  const View<S> zero = tape.workspace().matrix(segment.u.rows(), heads_);
  set_zero(zero);
  return softplus(tape, tape.constant(zero), bias);
}

template <class S>
Var<S> LinearMixer<S>::delta_heads(const Segment& segment, const TapeHeads<S>& in) const {
  tape::Tape<S>& tape = segment.tape;
  States& states = *static_cast<States*>(segment.carry);
  const Var<S> beta = sigmoid(tape, product_bt(tape, segment.u, segment.parameter(beta_weight_)),
                              static_cast<S>(shape_.options.beta_max));
  states.beta = beta;
  const tape::Output<S> y = tape.matrix(in.k.rows(), heads_ * value_width_);
  for (Index h = 0; h < heads_; ++h) {
    const TapeHead<S> head{in.q.columns(h * key_width_, key_width_),
                           in.k.columns(h * key_width_, key_width_),
                           in.v.columns(h * value_width_, value_width_),
                           in.g.empty() ? in.g : in.g.columns(h, 1),
                           levels() == 0 ? in.lambda : in.lambda.columns(h * levels(), levels()),
                           beta.columns(h, 1)};
    const tape::Output<S> own = y.columns(h * value_width_, value_width_);
    WaitingStates<S>& waiting = states.waiting[h];
    delta_core(tape, head, waiting, own);
    if (!segment.queries.all) continue;
    const Index room = states.slots * key_width_ * value_width_;
    waiting.keep(states.carry, states.rooms == nullptr ? nullptr : states.rooms + h * room);
  }
  return y.var;
}

template <class S>
Var<S> LinearMixer<S>::output_of(const Segment& segment, const Var<S>& y, const Var<S>& u) const {
  tape::Tape<S>& tape = segment.tape;
  const auto gate = [&] {
    return silu(tape, product_bt(tape, u, segment.parameter(gate_weight_)));
  };
  const auto norm = [&](const Var<S>& x, Index heads) {
    return scale_columns(tape, normalise_rows(tape, x, static_cast<S>(kNormEpsilon), true, heads),
                         segment.parameter(norm_weight_));
  };
  switch (shape_.options.output) {
    case CoreOutput::kPlain:
      return y;
    case CoreOutput::kRms:
      return norm(y, heads_);
    case CoreOutput::kRmsGate:
      return multiply(tape, norm(y, heads_), gate());
    case CoreOutput::kGateRms:
      return norm(multiply(tape, y, gate()), 1);
  }
  return y;
}

template <class S>
Var<S> LinearMixer<S>::run(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Queries& queries = segment.queries;
  const Var<S>& u = segment.u;
  States& states = *static_cast<States*>(segment.carry);
  // Where few rows are read, only the core's queries and what follows it are computed at them; the
  // delta rule runs for all and is picked from.
  const bool expands = !queries.all && (delta() || core_->expands(queries));
  const Queries every = queries.all ? queries : expand_queries<S>(u.rows(), tape.workspace());
  const Queries& asked = expands ? every : queries;
  const Var<S> u_asked = queries.all ? u : gather(tape, u, queries.positions);

  TapeHeads<S> in;
  if (shape_.options.qkv_conv > 0 || expands || queries.all) {
    in.q = branch(segment, u, q_, 0);
    if (!asked.all) in.q = gather(tape, in.q, asked.positions);
  } else {
    in.q = branch(segment, u_asked, q_, 0);
  }
  in.q = rotated_and_normed(segment, in.q, asked);
  in.k = rotated_and_normed(segment, branch(segment, u, k_, 1), every);
  const Var<S> v = branch(segment, u, v_, 2);
  in.v = v;
  if (shape_.gate != Gate::kNone) {
    const Var<S> dt = step_sizes(segment);
    in.g =
        scale_columns(tape, dt, scale(tape, exponential(tape, segment.parameter(a_log_)), S(-1)));
    if (shape_.options.value_scale == ValueScale::kDt) in.v = scale_rows(tape, v, dt);
  }
  in.lambda = level_weights(tape, *level_weights_, segment.theta, expands ? u : u_asked, heads_);
  states.seen = in;
  Var<S> y;
  if (delta()) {
    y = delta_heads(segment, in);
  } else {
    if (expands) core_->begin_states(u.rows(), states.additive, tape.workspace());
    y = log_linear_heads(tape, *core_, in, asked, states.additive);
  }
  if (expands) y = gather(tape, y, queries.positions);
  if (shape_.options.skip) {
    const Var<S> v_asked = queries.all ? v : gather(tape, v, queries.positions);
    y = sum(tape, y, scale_rows(tape, v_asked, segment.parameter(skip_)));
  }
  return product_bt(tape, output_of(segment, y, u_asked), segment.parameter(out_weight_));
}

template <class S>
MixerView<S> LinearMixer<S>::view_of(const Carry* carry, Workspace<S>& workspace) const {
  const States& states = *static_cast<const States*>(carry);
  const auto by_head = [&](const Var<S>& x) -> const S* {  // (n, H) as (H, n)
    if (x.empty()) return nullptr;
    S* all = workspace.take(x.rows() * x.cols());
    for (Index t = 0; t < x.rows(); ++t) {
      for (Index h = 0; h < x.cols(); ++h) all[h * x.rows() + t] = x.value()(t, h);
    }
    return all;
  };
  const Var<S>& lambda = states.seen.lambda;
  return {.heads = heads_,
          .lambda = lambda.empty() ? View<const S>() : lambda.value(),
          .gate = by_head(states.seen.g),
          .beta = by_head(states.beta),
          .attention = delta() ? AttentionKind::kDelta : AttentionKind::kLinear,
          .q = states.seen.q.value(),
          .k = states.seen.k.value()};
}

template <class S>
std::int64_t LinearMixer<S>::state(std::int64_t tokens) const noexcept {
  if (tokens <= 0) return 0;
  const std::int64_t states = levels() == 0 ? 1 : occupied_levels(tokens);
  const std::int64_t rows =
      std::min<std::int64_t>(std::max<Index>(shape_.options.qkv_conv - 1, 0), tokens);
  return heads_ * (states * key_width_ * value_width_ + rows * (2 * key_width_ + value_width_));
}

template <class S>
std::int64_t LinearMixer<S>::state_peak(std::int64_t tokens) const noexcept {
  // The most states wait after a power of two of tokens; the rows of convolutions only grow.
  std::int64_t most = state(tokens);
  for (std::int64_t full = 1; full <= tokens; full *= 2) most = std::max(most, state(full));
  return most;
}

template class LinearMixer<float>;
template class LinearMixer<double>;

}  // namespace recollect
