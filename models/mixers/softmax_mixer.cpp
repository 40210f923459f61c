#include "models/mixers/softmax_mixer.hpp"

#include "models/linear_attention/heads.hpp"
#include "models/tape/rows.hpp"

namespace recollect {

using tape::Var;

/// What segments share.
template <class S>
struct SoftmaxMixer<S>::States : Carry {
  tape::Carry<S> carry;
  typename QkvBranches<S>::Before before;
  typename SoftmaxHeads<S>::Carry* keys;
  typename QkvBranches<S>::Result seen;  ///< what the core read last
};

template <class S>
SoftmaxMixer<S>::SoftmaxMixer(const LayerContext& context, const LinearOptions& options,
                              Index window, ParameterLayout& layout)
    : TapeMixer<S>(context.model.width),
      branches_(context, options, layout),
      core_({branches_.heads(), branches_.key_width(), branches_.value_width(), window}),
      output_(context, options, layout) {
  this->declared(layout);
  this->tabulate(context, this->joined(branches_.weights(), output_.weights()));
}

template <class S>
void SoftmaxMixer<S>::begin_step(const S*, const StepShape& step) {
  branches_.begin_step(step);
}

template <class S>
auto SoftmaxMixer<S>::begin_states(const SequenceShape& shape, Workspace<S>& workspace) const
    -> Carry* {
  States* states =
      workspace.record(States{{}, tape::Carry<S>(workspace, shape.backward), {}, nullptr, {}});
  states->before = branches_.begin(shape, states->carry, workspace);
  states->keys = core_.begin(shape, workspace);
  return states;
}

template <class S>
Var<S> SoftmaxMixer<S>::run(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Queries& queries = segment.queries;
  const Var<S>& u = segment.u;
  States& states = *static_cast<States*>(segment.carry);
  const Queries every = queries.all ? queries : expand_queries<S>(u.rows(), tape.workspace());
  const Var<S> u_asked = queries.all ? u : gather(tape, u, queries.positions);
  states.seen = branches_.run(segment, u_asked, queries, every, states.carry, states.before);
  const auto& [q, k, v] = states.seen;
  const Var<S> y = core_.run(tape, q, k, v, queries, *states.keys);
  return output_.run(segment, y, v, u_asked);
}

template <class S>
MixerView<S> SoftmaxMixer<S>::view_of(const Carry* carry, Workspace<S>&) const {
  const States& states = *static_cast<const States*>(carry);
  return {.heads = branches_.heads(),
          .attention = AttentionKind::kSoftmax,
          .q = states.seen.q.value(),
          .k = states.seen.k.value(),
          .scale = core_.scale(),
          .window = core_.shape().window};
}

template <class S>
std::int64_t SoftmaxMixer<S>::state(std::int64_t tokens) const noexcept {
  return core_.state(tokens) + branches_.state(tokens);
}

template <class S>
double SoftmaxMixer<S>::uncounted_multiply_adds(const SequenceShape& shape) const noexcept {
  return core_.multiply_adds(shape);
}

template class SoftmaxMixer<float>;
template class SoftmaxMixer<double>;

}  // namespace recollect
