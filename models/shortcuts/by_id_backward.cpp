#include <algorithm>

#include "models/shortcuts/by_id_chunk.hpp"

namespace recollect {
namespace {

/// The backward pass of one segment, chunk by chunk from its end. With p[t,b] = A[id_t,b] N[t,b],
/// what multiplies B, and dp = dz B^T, id_t the id of token t and M its mask:
///
///   dB += p^T dz          dA[id_t,b] += dp[t,b] N[t,b]          dN[t,b] = dp[t,b] A[id_t,b]
///
/// N[t,b] adds M[t,s] over the tokens s of the chunk with id b, and decay_t lambda_t[l] S_l[b] over
/// the states that the chunk reads, so
///
///   dM[t,s] = dN[t,id_s]      dS_l += sum_t decay_t lambda_t[l] dN[t]      dlambda_t[l] += decay_t
///   <dN[t], S_l>
///
/// and the decay's logarithm G, as everywhere: dG_t = <N[t], dN[t]> - (what token t was seen for),
/// summed from the end, where the second term is the sum over later tokens and the chunk's own
/// state.
template <class S>
class Backward {
 public:
  using Core = LogLinearById<S>;
  using Chunk = by_id::Chunk<S>;
  static constexpr Index kChunk = Core::kChunk;

  Backward(const typename Core::Sequence& sequence, const typename Core::TableGradient& out,
           Workspace<S>& workspace)
      : sequence_(sequence),
        table_(sequence.table),
        states_(sequence.states),
        out_(out),
        d_counts_(workspace.matrix(kChunk, states_.size)),
        decay_(workspace.take(kChunk)),
        weight_(workspace.take(kChunk)),
        mask_(workspace.take(kChunk)),
        d_masks_(workspace.take(kChunk * kChunk)),
        row_sums_(workspace.take(kChunk)),
        seen_by_(workspace.take(kChunk)),
        ones_(workspace.take(kChunk)) {
    std::fill_n(ones_, kChunk, S(1));
  }

  /// @param weights  (count, ids) p is written there
  void chunk(const Chunk& c, ConstView<S> dz, View<S> weights) {
    S between = states_.begin_backward(c.index, out_.g != nullptr);
    std::fill_n(seen_by_, kChunk, S(0));
    product(c, dz, weights);
    if (!states_.is_last(c.index)) completed_state(c);
    read_states(c);
    own_tokens(c);
    if (out_.g == nullptr) return;
    for (Index t = c.count - 1; t >= 0; --t) {
      between += row_sums_[t] - seen_by_[t];
      out_.g[c.ids[t]] += between;
    }
  }

 private:
  [[nodiscard]] S* d_counts_of(Index t) const { return d_counts_.data() + t * states_.size; }
  [[nodiscard]] View<S> d_counts(const Chunk& c) const {
    return columns(rows(d_counts_, 0, c.count), 0, c.seen);
  }

  /// p, dA and dN; row_sums[t] = <N[t], dN[t]>.
  void product(const Chunk& c, ConstView<S> dz, View<S> weights) {
    product_packed<S>(dz, sequence_.values_packed, d_counts(c));  // dp
    for (Index t = 0; t < c.count; ++t) {
      const std::int32_t number = c.numbers[t];
      const Index row = number * states_.size;
      // The first to add to a row of dA, which nobody set to zero, overwrites it.
      const bool opens = sequence_.numbering.opens[static_cast<std::size_t>(number)] == c.first + t;
      row_sums_[t] = weigh_counts_backward<S>(sequence_.scores.data() + row, c.counts_of(t), c.seen,
                                              d_counts_of(t), weights.data() + t * weights.stride(),
                                              sequence_.d_scores.data() + row, opens);
    }
  }

  /// The state that the chunk completed: its own part, S[id_t] += decay_t, and those merged into
  /// it.
  void completed_state(const Chunk& c) {
    const S* d_state = states_.d_state(states_.counter.slot_after(c.index));
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, decay_);
    for (Index t = 0; t < c.count; ++t) seen_by_[t] = decay_[t] * d_state[c.numbers[t]];
    states_.complete_backward(c.index, c.total());
  }

  /// dlambda and dS of the states that the chunk read.
  void read_states(const Chunk& c) {
    const Index levels = table_.lambda.cols();
    S gap = 0;
    states_.counter.for_each_read(c.index, [&](Index slot, Index j) {
      by_id::fill_weights<S>(c, table_, gap, states_.level(slot), decay_, weight_);
      if (levels > 0) {
        const Index column = level_column(states_.level(slot), levels);
        for (Index t = 0; t < c.count; ++t) {
          out_.lambda(c.ids[t], column) +=
              decay_[t] * inner_product<S>(d_counts_of(t), states_.state(slot, j), c.seen);
        }
      }
      product_nn<S>(view(weight_, 1, c.count), d_counts(c), view(states_.d_state(slot), 1, c.seen),
                    Write::kAccumulate);
      gap += states_.g_of(slot, j);
    });
  }

  /// dlambda through the masks of the chunk's own tokens; dM[t,s] M[t,s] is what s was seen for.
  void own_tokens(const Chunk& c) {
    for (Index t = 0; t < c.count; ++t) {
      const S* d_counts_row = d_counts_of(t);
      for (Index s = 0; s <= t; ++s) d_masks_[t * kChunk + s] = d_counts_row[c.numbers[s]];
    }
    for (Index t = 0; t < c.count; ++t) {
      S* d_mask = d_masks_ + t * kChunk;
      weigh_row_backward<S>(table_.lambda, c.ids[t], t, kChunk, ones_, c.decays + t * kChunk,
                            d_mask, mask_, out_.lambda);
      scale_numbers<S>(S(1), d_mask, seen_by_, kChunk, true);
    }
  }

  const typename Core::Sequence& sequence_;
  const typename Core::Table& table_;
  const ChunkStates<S>& states_;
  const typename Core::TableGradient& out_;
  View<S> d_counts_;  // (kChunk, n') dp, then dN
  S* decay_;          // (kChunk), as all that follow
  S* weight_;
  S* mask_;
  S* d_masks_;   // (kChunk, kChunk) dM
  S* row_sums_;  // <N[t], dN[t]>
  S* seen_by_;   // what later tokens and the chunk's state saw a token for, times its gradient
  S* ones_;
};

}  // namespace

template <class S>
void LogLinearById<S>::backward(const Sequence& sequence, Index first,
                                std::span<const std::int32_t> ids, const Tape& tape,
                                ConstView<S> dz, TableGradient out, Workspace<S>& workspace) {
  const typename Workspace<S>::Scope scope(workspace);
  const auto length = static_cast<Index>(ids.size());
  const View<S> weight_block = workspace.matrix(kBlock, sequence.states.size);  // p
  Backward<S> pass(sequence, out, workspace);
  for (Index block = (length - 1) / kBlock * kBlock; block >= 0; block -= kBlock) {
    const Index in_block = std::min(kBlock, length - block);
    const Index last = block + (in_block - 1) / kChunk * kChunk;
    // Rows of p are as long as those of the block's last chunk, which has met most ids.
    const Index seen = by_id::Chunk<S>(sequence, first, ids, last, tape).seen;
    for (Index start = last; start >= block; start -= kChunk) {
      const by_id::Chunk<S> c(sequence, first, ids, start, tape);
      const View<S> weights = columns(rows(weight_block, start - block, c.count), 0, seen);
      set_zero(columns(weights, c.seen, seen - c.seen));
      pass.chunk(c, rows(dz, start, c.count), weights);
    }
    // The sequence's last block meets all ids, before any other: dB is written there first.
    const bool ends = sequence.states.is_last((first + last) / kChunk);
    product_tn<S>(columns(rows(weight_block, 0, in_block), 0, seen), rows(dz, block, in_block),
                  rows(sequence.d_values, 0, seen), ends ? Write::kOverwrite : Write::kAccumulate);
  }
}

template void LogLinearById<float>::backward(const Sequence&, Index, std::span<const std::int32_t>,
                                             const Tape&, ConstView<float>, TableGradient,
                                             Workspace<float>&);
template void LogLinearById<double>::backward(const Sequence&, Index, std::span<const std::int32_t>,
                                              const Tape&, ConstView<double>, TableGradient,
                                              Workspace<double>&);

}  // namespace recollect
