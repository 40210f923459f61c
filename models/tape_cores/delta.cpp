#include <algorithm>
#include <bit>

#include "models/tape/causal.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/waiting_states.hpp"

namespace recollect {

using tape::Output;
using tape::Tape;
using tape::Var;

Index chunk_of_form(Form form, Index chunk, std::int64_t tokens) noexcept {
  constexpr std::uint64_t kLongest = 256;  // cores take O(chunk^2) memory or more
  if (form == Form::kRecurrent) return 1;
  if (form != Form::kDense) return chunk;
  return static_cast<Index>(std::min(std::bit_ceil(static_cast<std::uint64_t>(tokens)), kLongest));
}

/// In a chunk of n tokens, with A[t,s] = beta_t k_t . k_s below the diagonal,
///
///   W = (I + A)^-1 diag(beta),   P = lower(Q K^T) W,   y = (M * P) V
///
/// where M is the mask of the additive core. What comes from before the chunk is read through
/// Q - P K, and passes the chunk as S <- exp(G_end) (S - K^T W K S); the chunk's own state is
/// K^T W diag(exp(G_end - G)) V.
template <class S>
void delta_core(Tape<S>& tape, const TapeHead<S>& in, WaitingStates<S>& states,
                const Output<S>& y) {
  const Index tokens = in.k.rows();
  const bool gated = !in.g.empty();

  for (Index start = 0; start < tokens; start += states.chunk) {
    const Index i = states.next++;
    const Index count = std::min(states.chunk, tokens - start);
    const TapeHead<S> c = in.rows(start, count);
    const Output<S> out = y.rows(start, count);
    const Var<S> G = gated ? cumulative_sum(tape, c.g) : Var<S>();

    const Var<S> inverse =
        unit_lower_inverse(tape, lower_product(tape, scale_rows(tape, c.k, c.beta), c.k));
    const Var<S> W = scale_lower_columns(tape, inverse, c.beta);
    const Var<S> P = product_of_lowers(tape, lower_product(tape, c.q, c.k), W);
    product_lower(tape, weigh(tape, P, G, c.lambda), c.v, {out});

    if (i > 0) {
      const Var<S> seen = difference(tape, c.q, product_lower(tape, P, c.k));
      const Var<S> decay = gated ? decay_since(tape, G) : Var<S>();
      states.counter.for_each_read(i, [&](Index slot, Index) {
        const Var<S> weights = product_of_weights(tape, decay, states.weight(c.lambda, slot));
        product(tape, weighted(tape, seen, weights), states.state[slot], {out, true});
      });
    }

    if (states.is_last(i)) break;                        // nobody reads the last chunk's state
    const Var<S> erase = product_lower_t(tape, W, c.k);  // W^T K (n, dk)
    const Var<S> total = gated ? exponential(tape, G.rows(count - 1, 1)) : Var<S>();
    const auto pass = [&](const Var<S>& state) {
      const Var<S> kept =
          difference(tape, state, product_at(tape, erase, product(tape, c.k, state)));
      return gated ? scale_columns(tape, kept, total) : kept;
    };
    Var<S> own =
        product_at(tape, gated ? scale_rows(tape, erase, decay_until_end(tape, G)) : erase, c.v);
    // States that merge are summed before they pass the chunk, once.
    const Index to = states.counter.slot_after(i);
    Var<S> older;
    states.counter.for_each_merge(i, [&](Index slot, Index) {
      Var<S>& state = states.state[slot];
      older = older.empty() ? state : sum(tape, older, state);
      state = {};
    });
    for (Var<S>& state : states.state) {
      if (!state.empty()) state = pass(state);
    }
    states.state[to] = older.empty() ? own : sum(tape, own, pass(older));
  }
}

template void delta_core<float>(Tape<float>&, const TapeHead<float>&, WaitingStates<float>&,
                                const Output<float>&);
template void delta_core<double>(Tape<double>&, const TapeHead<double>&, WaitingStates<double>&,
                                 const Output<double>&);

}  // namespace recollect
