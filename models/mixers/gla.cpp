#include "models/mixers/gla.hpp"

#include "models/linear_attention/heads.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/core.hpp"

namespace recollect {

using tape::Var;

/// What segments share.
template <class S>
struct Gla<S>::States : Carry {
  tape::Carry<S> carry;
  typename QkvBranches<S>::Before before;
  GlaState<S>* heads;  ///< (H)
  S* rooms;            ///< of their states
};

template <class S>
Gla<S>::Gla(const LayerContext& context, const LinearOptions& options, Index chunk,
            ParameterLayout& layout)
    : TapeMixer<S>(context.model.width),
      chunk_(chunk),
      form_(context.execution.form),
      branches_(context, options, layout),
      down_(layout.add_matrix(context.prefix + "gate_down.weight", kRank, context.model.width,
                              Fill::kNormal, kInitialDeviation)),
      up_(layout.add_matrix(context.prefix + "gate_up.weight",
                            branches_.heads() * branches_.key_width(), kRank, Fill::kNormal,
                            kInitialDeviation)),
      bias_(layout.add_vector(context.prefix + "gate_up.bias",
                              branches_.heads() * branches_.key_width(), Fill::kConstant, 0.0)),
      output_(context, options, layout) {
  this->declared(layout);
  std::vector<Tensor> read = this->joined(branches_.weights(), output_.weights());
  read.push_back(down_);
  this->tabulate(context, std::move(read));
}

template <class S>
void Gla<S>::begin_step(const S*, const StepShape& step) {
  branches_.begin_step(step);
}

template <class S>
auto Gla<S>::begin_states(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry* {
  States* states =
      workspace.record(States{{}, tape::Carry<S>(workspace, shape.backward), {}, nullptr, nullptr});
  states->before = branches_.begin(shape, states->carry, workspace);
  const Index heads = branches_.heads();
  states->heads = workspace.template array<GlaState<S>>(heads);
  const auto tokens = static_cast<Index>(shape.tokens);
  for (Index h = 0; h < heads; ++h) {
    new (&states->heads[h]) GlaState<S>{chunk_of_form(form_, chunk_, tokens), tokens};
    states->carry.expect(branches_.key_width(), branches_.value_width(), 1);
  }
  if (!shape.backward && shape.all()) {
    states->rooms = workspace.take(heads * branches_.key_width() * branches_.value_width());
  }
  return states;
}

template <class S>
Var<S> Gla<S>::gates(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  // logsigmoid(x) = -softplus(-x); the sign is changed where there are fewest numbers.
  const Var<S> low = scale(tape, segment.project(down_), S(-1));
  const Var<S> lost = softplus(tape, product_bt(tape, low, segment.parameter(up_)),
                               scale(tape, segment.parameter(bias_), S(-1)));
  return scale(tape, lost, S(-1) / S(16));
}

template <class S>
Var<S> Gla<S>::run(const Segment& segment) const {
  tape::Tape<S>& tape = segment.tape;
  const Queries& queries = segment.queries;
  States& states = *static_cast<States*>(segment.carry);
  const Queries every =
      queries.all ? queries : expand_queries<S>(segment.u.rows(), tape.workspace());
  const Var<S> u_asked = queries.all ? segment.u : gather(tape, segment.u, queries.positions);
  // The core runs for all tokens and is picked from.
  const auto [q, k, v] = branches_.run(segment, u_asked, every, every, states.carry, states.before);
  const Var<S> g = gates(segment);
  const Index keys = branches_.key_width();
  const Index values = branches_.value_width();
  const tape::Output<S> y = tape.matrix(k.rows(), branches_.heads() * values);
  for (Index h = 0; h < branches_.heads(); ++h) {
    GlaState<S>& own = states.heads[h];
    gla_core(tape,
             {q.columns(h * keys, keys), k.columns(h * keys, keys), v.columns(h * values, values),
              g.columns(h * keys, keys)},
             own, y.columns(h * values, values));
    if (!queries.all || own.state.empty()) continue;
    own.state = states.carry.keep(
        own.state, states.rooms == nullptr ? nullptr : states.rooms + h * keys * values);
  }
  const Var<S> read = queries.all ? y.var : gather(tape, y.var, queries.positions);
  return output_.run(segment, read, v, u_asked);
}

template <class S>
std::int64_t Gla<S>::state(std::int64_t tokens) const noexcept {
  if (tokens <= 0) return 0;
  return branches_.heads() * branches_.key_width() * branches_.value_width() +
         branches_.state(tokens);
}

Fields GlaSettings::fields() {
  Fields all;
  all.push_back(chunk_field(chunk));
  for (Field& each : around.fields({}, {"update", "beta_max", "value_scale", "skip"})) {
    all.push_back(std::move(each));
  }
  return all;
}

void GlaSettings::rules(const ModelSettings&) const { expect_chunk(chunk); }

template class Gla<float>;
template class Gla<double>;

}  // namespace recollect
