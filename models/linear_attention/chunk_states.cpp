#include "models/linear_attention/chunk_states.hpp"

#include <algorithm>

#include "math/portable_math.hpp"
#include "models/linear_attention/chunk_kernels.hpp"

namespace recollect {

template <class S>
void ChunkStates<S>::complete(Index i, S* own, S g) const {
  counter.for_each_merge(i, [&](Index slot, Index j) {
    scale_numbers<S>(portable::exp(g), state(slot, j), own, size, true);
    g += g_of(slot, j);
  });
  const Index to = counter.slot_after(i);
  if (own != state(to, i)) std::copy_n(own, size, state(to, i));
  g_of(to, i) = g;
}

template <class S>
S ChunkStates<S>::begin_backward(Index i, bool gated) const {
  S between = 0;
  if (is_last(i)) {
    counter.for_each_read(i, [&](Index slot, Index) { std::fill_n(d_state(slot), size, S(0)); });
  } else if (gated) {
    counter.for_each_read(i + 1, [&](Index slot, Index j) {
      between += inner_product<S>(d_state(slot), state(slot, j), size);
    });
  }
  return between;
}

template <class S>
void ChunkStates<S>::complete_backward(Index i, S g) const {
  const S* d_own = d_state(counter.slot_after(i));
  counter.for_each_merge(i, [&](Index slot, Index j) {
    scale_numbers<S>(portable::exp(g), d_own, d_state(slot), size, false);
    g += g_of(slot, j);
  });
}

template struct ChunkStates<float>;
template struct ChunkStates<double>;

}  // namespace recollect
