#pragma once

// What both passes of LogLinearById share; for by_id_forward.cpp and by_id_backward.cpp alone.

#include <algorithm>

#include "math/fenwick.hpp"
#include "models/linear_attention/chunk_kernels.hpp"
#include "models/shortcuts/by_id.hpp"

namespace recollect::by_id {

/// One chunk of a segment.
template <class S>
struct Chunk {
  Index first;  ///< token of the sequence
  Index index;  ///< in the sequence
  Index count;
  Index seen;  ///< ids by its end, padded
  const std::int32_t* ids;
  const std::int32_t* numbers;
  View<S> counts;  ///< (count, seen)
  S* decays;       ///< (count, kChunk)
  S* from_start;   ///< (count)

  /// @param segment  its first token; start: the chunk's, in the segment
  Chunk(const typename LogLinearById<S>::Sequence& sequence, Index segment,
        std::span<const std::int32_t> all_ids, Index start,
        const typename LogLinearById<S>::Tape& tape)
      : first(segment + start),
        index(first / LogLinearById<S>::kChunk),
        count(std::min(LogLinearById<S>::kChunk, static_cast<Index>(all_ids.size()) - start)),
        seen(sequence.numbering.seen[static_cast<std::size_t>(index)]),
        ids(all_ids.data() + start),
        numbers(sequence.numbering.numbers.data() + first),
        counts(tape.counts + start * sequence.values.rows(), count, seen, sequence.values.rows()),
        decays(tape.decays + start * LogLinearById<S>::kChunk),
        from_start(tape.from_start + start) {}

  [[nodiscard]] S total() const { return from_start[count - 1]; }
  [[nodiscard]] S* counts_of(Index t) const { return counts.data() + t * counts.stride(); }
};

/// How the tokens of a chunk weigh a state: decay, and the level's lambda.
template <class S>
void fill_weights(const Chunk<S>& c, const typename LogLinearById<S>::Table& table, S gap,
                  Index level, S* decay, S* weight) {
  exp_shifted<S>(c.from_start, S(1), gap, c.count, decay);
  const Index levels = table.lambda.cols();
  for (Index t = 0; t < c.count; ++t) {
    weight[t] =
        levels == 0 ? decay[t] : decay[t] * table.lambda(c.ids[t], level_column(level, levels));
  }
}

}  // namespace recollect::by_id
