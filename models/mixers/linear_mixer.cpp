#include "models/mixers/linear_mixer.hpp"

#include <algorithm>

#include "models/choose_path.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/heads.hpp"
#include "models/tape_cores/level_weights.hpp"

namespace recollect {

using tape::Var;

/// What segments share.
template <class S>
struct LinearMixer<S>::States : Carry {
  tape::Carry<S> carry;
  typename QkvBranches<S>::Before before;
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
      execution_(context.execution),
      branches_(context, shape.options, layout),
      heads_(branches_.heads()),
      key_width_(branches_.key_width()),
      value_width_(branches_.value_width()) {
  const auto matrix = [&](const char* name, Index rows) {
    return layout.add_matrix(context.prefix + name, rows, context.model.width, Fill::kNormal,
                             kInitialDeviation);
  };
  if (shape_.gate != Gate::kNone) {
    a_log_ = shape_.gate_start.add_a_log(layout, context.prefix, heads_);
    if (shape_.gate == Gate::kInput) dt_weight_ = matrix("dt_proj.weight", heads_);
    dt_bias_ = shape_.gate_start.add_dt_bias(layout, context.prefix, heads_);
  }
  if (delta()) beta_weight_ = matrix("beta_proj.weight", heads_);
}

template <class S>
void LinearMixer<S>::finish(const LayerContext& context, ParameterLayout& layout) {
  output_.emplace(context, shape_.options, layout);
  this->declared(layout);
  std::vector<Tensor> read = this->joined(branches_.weights(), output_->weights());
  if (shape_.gate == Gate::kInput) read.push_back(dt_weight_);
  if (delta()) read.push_back(beta_weight_);
  this->tabulate(context, std::move(read));
  if (!delta()) {
    core_.emplace(typename LogLinearHeads<S>::Shape{heads_, key_width_, value_width_, levels(),
                                                    shape_.chunk, execution_.form});
  }
}

template <class S>
void LinearMixer<S>::begin_step(const S*, const StepShape& step) {
  branches_.begin_step(step);
}

template <class S>
auto LinearMixer<S>::begin_states(const SequenceShape& shape, Workspace<S>& workspace) const
    -> Carry* {
  States* states = workspace.record(
      States{{}, tape::Carry<S>(workspace, shape.backward), {}, nullptr, nullptr, 0, {}, {}, {}});
  states->before = branches_.begin(shape, states->carry, workspace);
  if (!delta()) {
    states->additive = core_->begin(shape, workspace);
    return states;
  }
  const ChunkCounter counter{levels() > 0};
  const Index chunk = chunk_of_form(execution_.form, shape_.chunk, shape.tokens);
  states->slots = counter.slots((shape.tokens + chunk - 1) / chunk) + 1;
  states->waiting = workspace.template array<WaitingStates<S>>(heads_);
  for (Index h = 0; h < heads_; ++h) {
    new (&states->waiting[h]) WaitingStates<S>{counter, chunk, shape.tokens};
    if (!shape.all()) continue;
    WaitingStates<S>::expect(states->carry, counter, chunk, shape.tokens, key_width_, value_width_);
  }
  if (shape.all() && !shape.backward) {
    states->rooms = workspace.take(heads_ * states->slots * key_width_ * value_width_);
  }
  return states;
}

template <class S>
bool LinearMixer<S>::at_queries(const Queries& queries) const noexcept {
  if (queries.all) return false;
  if (!delta()) return core_->dense_at(queries);
  return execution_.form == Form::kFastest &&
         choose_path::delta_at_queries(queries.count(), shape_.chunk, key_width_);
}

template <class S>
Var<S> LinearMixer<S>::step_sizes(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Var<S> bias = segment.parameter(dt_bias_);
  if (shape_.gate == Gate::kInput) {
    return softplus(tape, segment.project(dt_weight_), bias);
  }
  const View<S> zero = tape.workspace().matrix(segment.u.rows(), heads_);
  set_zero(zero);
  return softplus(tape, tape.constant(zero), bias);
}

template <class S>
Var<S> LinearMixer<S>::delta_heads(const Segment& segment, const TapeHeads<S>& in, bool few) const {
  tape::Tape<S>& tape = segment.tape;
  States& states = *static_cast<States*>(segment.carry);
  const Var<S> beta =
      sigmoid(tape, segment.project(beta_weight_), static_cast<S>(shape_.options.beta_max));
  states.beta = beta;
  const tape::Output<S> y = tape.matrix(in.q.rows(), heads_ * value_width_);
  for (Index h = 0; h < heads_; ++h) {
    const TapeHead<S> head{in.q.columns(h * key_width_, key_width_),
                           in.k.columns(h * key_width_, key_width_),
                           in.v.columns(h * value_width_, value_width_),
                           in.g.empty() ? in.g : in.g.columns(h, 1),
                           levels() == 0 ? in.lambda : in.lambda.columns(h * levels(), levels()),
                           beta.columns(h, 1)};
    const tape::Output<S> own = y.columns(h * value_width_, value_width_);
    if (few) {
      delta_at_queries(tape, head, segment.queries.positions, shape_.chunk, own);
      continue;
    }
    WaitingStates<S>& waiting = states.waiting[h];
    delta_core(tape, head, waiting, own);
    if (!segment.queries.all) continue;
    const Index room = states.slots * key_width_ * value_width_;
    waiting.keep(states.carry, states.rooms == nullptr ? nullptr : states.rooms + h * room);
  }
  return y.var;
}

template <class S>
Var<S> LinearMixer<S>::run(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Queries& queries = segment.queries;
  const Var<S>& u = segment.u;
  States& states = *static_cast<States*>(segment.carry);
  // Where few rows are read, the core's queries and what follows it are computed at them alone;
  // where they are not that few, the core runs for all tokens and is picked from.
  const bool few = at_queries(queries);
  const bool expands = !queries.all && !few;
  const Queries every = queries.all ? queries : expand_queries<S>(u.rows(), tape.workspace());
  const Queries& asked = expands ? every : queries;
  const Var<S> u_asked = queries.all ? u : gather(tape, u, queries.positions);

  const auto [q, k, v] = branches_.run(segment, u_asked, asked, every, states.carry, states.before);
  TapeHeads<S> in;
  in.q = q;
  in.k = k;
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
    y = delta_heads(segment, in, few);
  } else {
    if (expands) core_->begin_states(u.rows(), states.additive, tape.workspace());
    y = log_linear_heads(tape, *core_, in, asked, states.additive);
  }
  if (expands) y = gather(tape, y, queries.positions);
  return output_->run(segment, y, v, u_asked);
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
double LinearMixer<S>::uncounted_multiply_adds(const SequenceShape& shape) const noexcept {
  if (delta()) return 0.0;
  SequenceShape computed = shape;
  if (!shape.all() && !core_->dense_at(shape)) computed.queries = shape.tokens;
  return core_->cost(computed).multiply_adds;
}

template <class S>
std::int64_t LinearMixer<S>::state(std::int64_t tokens) const noexcept {
  if (tokens <= 0) return 0;
  const std::int64_t states = levels() == 0 ? 1 : occupied_levels(tokens);
  return heads_ * states * key_width_ * value_width_ + branches_.state(tokens);
}

template <class S>
std::int64_t LinearMixer<S>::state_peak(std::int64_t tokens) const noexcept {
  std::int64_t most = state(tokens);
  // The first power of two of tokens after which convolutions have all their rows. From there on
  // the most states wait after a power of two, before it a longer sequence may have more rows.
  std::int64_t full = 1;
  while (branches_.state(full) < branches_.state(tokens)) full *= 2;
  for (std::int64_t t = 1; t < std::min(full, tokens); ++t) most = std::max(most, state(t));
  for (; full <= tokens; full *= 2) most = std::max(most, state(full));
  return most;
}

template class LinearMixer<float>;
template class LinearMixer<double>;

}  // namespace recollect
