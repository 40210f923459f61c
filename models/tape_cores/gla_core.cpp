#include "models/tape_cores/gla_core.hpp"

#include <algorithm>

#include "models/tape/channel_decay.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"

namespace recollect {

using tape::Output;
using tape::Var;

template <class S>
void gla_core(tape::Tape<S>& tape, const GlaHead<S>& in, GlaState<S>& state, const Output<S>& y) {
  const Index tokens = in.k.rows();
  for (Index start = 0; start < tokens; start += state.chunk) {
    const Index count = std::min(state.chunk, tokens - start);
    const auto of = [&](const Var<S>& x) { return x.rows(start, count); };
    const Var<S> q = of(in.q), k = of(in.k), v = of(in.v), g = of(in.g);
    const Output<S> out = y.rows(start, count);
    product_lower(tape, decayed_scores(tape, q, k, g), v, {out});
    const bool first = state.state.empty();
    if (!first) product(tape, channels_since(tape, q, g), state.state, {out, true});
    state.seen += count;
    if (state.seen == state.tokens) break;  // nobody reads the last chunk's state
    const Var<S> own = product_at(tape, channels_until_end(tape, k, g), v);
    state.state = first ? own : sum(tape, decay_state(tape, state.state, g), own);
  }
}

template void gla_core<float>(tape::Tape<float>&, const GlaHead<float>&, GlaState<float>&,
                              const Output<float>&);
template void gla_core<double>(tape::Tape<double>&, const GlaHead<double>&, GlaState<double>&,
                               const Output<double>&);

}  // namespace recollect
