#include <algorithm>

#include "models/tape/causal.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/waiting_states.hpp"

namespace recollect {

using tape::Output;
using tape::Tape;
using tape::Var;

template <class S>
void additive_core(Tape<S>& tape, const TapeHead<S>& in, Index chunk, const Output<S>& y) {
  const Index tokens = in.k.rows();
  const bool gated = !in.g.empty();
  WaitingStates<S> states{{!in.lambda.empty()}, chunk, tokens};
  Var<S> block_g[WaitingStates<S>::kMost];  // g summed over the block of each state

  for (Index start = 0, i = 0; start < tokens; start += chunk, ++i) {
    const Index count = std::min(chunk, tokens - start);
    const TapeHead<S> c = in.rows(start, count);
    const Output<S> out = y.rows(start, count);
    const Var<S> G = gated ? cumulative_sum(tape, c.g) : Var<S>();

    product_lower(tape, weigh(tape, lower_product(tape, c.q, c.k), G, c.lambda), c.v, {out});

    Var<S> gap;  // log of the decay from the end of the block that is read to this chunk
    states.counter.for_each_read(i, [&](Index slot, Index) {
      const Var<S> decay = gated ? decay_since(tape, G, gap) : Var<S>();
      const Var<S> weights = product_of_weights(tape, decay, states.weight(c.lambda, slot));
      product(tape, weighted(tape, c.q, weights), states.state[slot], {out, true});
      if (gated) gap = gap.empty() ? block_g[slot] : sum(tape, gap, block_g[slot]);
    });

    if (start + count == tokens) break;  // nobody reads the last chunk's state
    Var<S> own =
        product_at(tape, gated ? scale_rows(tape, c.k, decay_until_end(tape, G)) : c.k, c.v);
    Var<S> total = gated ? G.rows(count - 1, 1) : Var<S>();
    states.counter.for_each_merge(i, [&](Index slot, Index) {
      const Var<S> older = states.state[slot];
      own = sum(tape, own, gated ? scale_columns(tape, older, exponential(tape, total)) : older);
      if (gated) total = sum(tape, total, block_g[slot]);
    });
    const Index to = states.counter.slot_after(i);
    states.state[to] = own;
    block_g[to] = total;
  }
}

template void additive_core<float>(Tape<float>&, const TapeHead<float>&, Index,
                                   const Output<float>&);
template void additive_core<double>(Tape<double>&, const TapeHead<double>&, Index,
                                    const Output<double>&);

}  // namespace recollect
