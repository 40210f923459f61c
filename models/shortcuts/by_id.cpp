#include "models/shortcuts/by_id.hpp"

#include <algorithm>

#include "math/fenwick.hpp"
#include "models/kernels/rows.hpp"
#include "models/linear_attention/chunk_kernels.hpp"

namespace recollect {
namespace {

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

}  // namespace

template <class S>
auto LogLinearById<S>::number(std::span<const std::int32_t> ids, Index vocab,
                              Workspace<S>& workspace) -> Numbering {
  const auto tokens = static_cast<Index>(ids.size());
  const Index chunks = (tokens + kChunk - 1) / kChunk;
  auto* numbers = workspace.template array<std::int32_t>(tokens);
  auto* seen = workspace.template array<std::int32_t>(chunks);
  auto* distinct = workspace.template array<std::int32_t>(std::min(tokens, vocab));
  auto* opens = workspace.template array<std::int32_t>(std::min(tokens, vocab));
  auto* number_of = workspace.template array<std::int32_t>(vocab);
  std::fill_n(number_of, vocab, -1);
  std::int32_t known = 0;
  for (Index t = 0; t < tokens; ++t) {
    const std::int32_t id = ids[static_cast<std::size_t>(t)];
    if (number_of[id] < 0) {
      distinct[known] = id;
      opens[known] = static_cast<std::int32_t>(t);
      number_of[id] = known++;
    }
    numbers[t] = number_of[id];
    std::int32_t& opener = opens[numbers[t]];
    if (opener / kChunk != t / kChunk) opener = static_cast<std::int32_t>(t);
    seen[t / kChunk] = static_cast<std::int32_t>(Numbering::padded(known));
  }
  const auto count = static_cast<std::size_t>(known);
  return Numbering{{distinct, count},
                   {numbers, ids.size()},
                   {seen, static_cast<std::size_t>(chunks)},
                   {opens, count},
                   Numbering::padded(std::min(tokens, vocab))};
}

template <class S>
auto LogLinearById<S>::begin(const Numbering& numbering, const Table& table, bool backward,
                             Workspace<S>& workspace) -> Sequence {
  const Index most = numbering.most;
  const auto known = static_cast<Index>(numbering.ids.size());
  const Index padded = Numbering::padded(known);
  const Index width = table.values.cols();
  const Index again = backward ? most : 0;
  const Sequence sequence{
      numbering,
      table,
      workspace.matrix(most, most),
      workspace.matrix(most, width),
      workspace.take(packed_size(again, width)),
      workspace.matrix(again, again),
      workspace.matrix(again, width),
      ChunkStates<S>::begin(static_cast<Index>(numbering.numbers.size()), most, kChunk,
                            table.lambda.cols() > 0, backward, workspace)};
  View<S> scores = sequence.scores;
  for (Index a = 0; a < known; ++a) {
    const auto place = static_cast<std::size_t>(a);
    const S* from = table.scores.data() + numbering.ids[place] * table.scores.stride();
    S* to = scores.data() + a * most;
    const Index met = numbering.met(a);
    const Index end = std::min(met, known);
    for (Index b = 0; b < end; ++b) to[b] = from[numbering.ids[static_cast<std::size_t>(b)]];
    std::fill(to + end, to + met, S(0));
  }
  View<S> values = rows(sequence.values, 0, padded);
  gather_rows<S>(table.values, numbering.ids, rows(values, 0, known));
  set_zero(rows(values, known, padded - known));
  if (backward) pack<S>(values, sequence.values_packed);
  return sequence;
}

template <class S>
std::int64_t LogLinearById<S>::room(std::int64_t tokens, std::int64_t vocab, std::int64_t width,
                                    std::int64_t heads, bool has_levels, bool backward) noexcept {
  const std::int64_t ids = Numbering::padded(std::min(tokens, vocab));
  return tokens + tokens / kChunk + 1 + 2 * ids + vocab + kChunk * ids +
         heads *
             ((backward ? 2 : 1) * ids * (ids + width) + (backward ? packed_size(ids, width) : 0) +
              ChunkStates<S>::room(tokens, ids, kChunk, has_levels, backward));
}

template <class S>
auto LogLinearById<S>::forward(const Sequence& sequence, Index first,
                               std::span<const std::int32_t> ids, View<S> z, Write write,
                               Workspace<S>& workspace) -> Tape {
  const auto length = static_cast<Index>(ids.size());
  const Table& table = sequence.table;
  const ChunkStates<S>& states = sequence.states;
  const ChunkCounter& counter = states.counter;
  const Tape tape{workspace.take(length * states.size), workspace.take(length * kChunk),
                  workspace.take(length)};
  const typename Workspace<S>::Scope scope(workspace);
  const Index slots = counter.slots(states.chunks);
  const View<S> read_block = workspace.matrix(slots, states.size);
  const View<S> weight_block = workspace.matrix(slots, kChunk);
  const View<S> scored_block = workspace.matrix(kChunk, states.size);
  S* decay = workspace.take(kChunk);
  S* masks = workspace.take(kChunk * kChunk);
  S* ones = workspace.take(kChunk);
  std::fill_n(ones, kChunk, S(1));
  S* own_room = workspace.take(states.size);

  for (Index start = 0; start < length; start += kChunk) {
    const Chunk<S> c(sequence, first, ids, start, tape);
    S sum = 0;
    for (Index t = 0; t < c.count; ++t) {
      if (table.g != nullptr) sum += table.g[c.ids[t]];
      c.from_start[t] = sum;
    }

    // What the states before this chunk counted.
    Index reads = 0;
    S gap = 0;
    counter.for_each_read(c.index, [&](Index slot, Index j) {
      fill_weights<S>(c, table, gap, states.level(slot), decay,
                      weight_block.data() + reads * kChunk);
      std::copy_n(states.state(slot, j), c.seen, read_block.data() + reads * states.size);
      gap += states.g_of(slot, j);
      ++reads;
    });
    product_tn<S>(columns(rows(weight_block, 0, reads), 0, c.count),
                  columns(rows(read_block, 0, reads), 0, c.seen), c.counts);

    // The chunk's own tokens, and the values. One step for all tokens before the next: what single
    // numbers were written to is slow to read as a vector at once.
    View<S> scored = columns(rows(scored_block, 0, c.count), 0, c.seen);
    for (Index t = 0; t < c.count; ++t) {
      S* decays = c.decays + t * kChunk;
      exp_shifted<S>(c.from_start, S(-1), c.from_start[t], t + 1, decays);
      weigh_row<S>(table.lambda, c.ids[t], t, kChunk, ones, decays, masks + t * kChunk);
    }
    for (Index t = 0; t < c.count; ++t) {
      S* counts = c.counts_of(t);
      for (Index s = 0; s <= t; ++s) counts[c.numbers[s]] += masks[t * kChunk + s];
    }
    for (Index t = 0; t < c.count; ++t) {
      const S* scores = sequence.scores.data() + c.numbers[t] * sequence.scores.stride();
      const S* counts = c.counts_of(t);
      S* to = scored.row(t).data();
      for (Index i = 0; i < c.seen; ++i) to[i] = scores[i] * counts[i];
    }
    product_nn<S>(scored, rows(sequence.values, 0, c.seen), rows(z, start, c.count), write);

    if (states.is_last(c.index)) break;  // nobody reads the last chunk's state
    S* own = states.own(c.index, own_room);
    std::fill_n(own, states.size, S(0));
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, decay);
    for (Index t = 0; t < c.count; ++t) own[c.numbers[t]] += decay[t];
    states.complete(c.index, own, c.total());
  }
  return tape;
}

template <class S>
void LogLinearById<S>::backward(const Sequence& sequence, Index first,
                                std::span<const std::int32_t> ids, const Tape& tape,
                                ConstView<S> dz, TableGradient out, Workspace<S>& workspace) {
  const auto length = static_cast<Index>(ids.size());
  const Table& table = sequence.table;
  const ChunkStates<S>& states = sequence.states;
  const ChunkCounter& counter = states.counter;
  const Index levels = table.lambda.cols();
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> weight_block = workspace.matrix(kBlock, states.size);
  const View<S> d_count_block = workspace.matrix(kChunk, states.size);
  S* decay = workspace.take(kChunk);
  S* weight = workspace.take(kChunk);
  S* mask = workspace.take(kChunk);
  S* d_masks = workspace.take(kChunk * kChunk);
  S* row_sums = workspace.take(kChunk);
  S* seen_by = workspace.take(kChunk);  // what a token's mask did, times its gradient
  S* ones = workspace.take(kChunk);
  std::fill_n(ones, kChunk, S(1));
  View<S> d_scores = sequence.d_scores;

  for (Index block = (length - 1) / kBlock * kBlock; block >= 0; block -= kBlock) {
    const Index in_block = std::min(kBlock, length - block);
    const Index last = block + (in_block - 1) / kChunk * kChunk;
    const Index seen_in_block = Chunk<S>(sequence, first, ids, last, tape).seen;
    const bool ends = states.is_last((first + last) / kChunk);  // it sees all ids, before any other
    for (Index start = last; start >= block; start -= kChunk) {
      const Chunk<S> c(sequence, first, ids, start, tape);
      const Index i = c.index;
      View<S> weights = columns(rows(weight_block, start - block, c.count), 0, seen_in_block);
      set_zero(columns(weights, c.seen, seen_in_block - c.seen));
      View<S> d_counts = columns(rows(d_count_block, 0, c.count), 0, c.seen);
      const auto d_counts_of = [&](Index t) { return d_counts.data() + t * states.size; };

      S between = states.begin_backward(i, out.g != nullptr);
      product_packed<S>(recollect::rows(dz, start, c.count), sequence.values_packed, d_counts);
      std::fill_n(seen_by, kChunk, S(0));
      for (Index t = 0; t < c.count; ++t) {
        const std::int32_t number = c.numbers[t];
        const Index row = number * states.size;
        const bool opens =
            sequence.numbering.opens[static_cast<std::size_t>(number)] == c.first + t;
        row_sums[t] = weigh_counts_backward<S>(sequence.scores.data() + row, c.counts_of(t), c.seen,
                                               d_counts_of(t), weights.data() + t * states.size,
                                               d_scores.data() + row, opens);
      }

      // The state that chunk i completed: its own part, and the states that merged into it.
      if (!states.is_last(i)) {
        const S* d_state = states.d_state(counter.slot_after(i));
        exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, decay);
        for (Index t = 0; t < c.count; ++t) seen_by[t] = decay[t] * d_state[c.numbers[t]];
        states.complete_backward(i, c.total());
      }

      // The states that chunk i read.
      S gap = 0;
      counter.for_each_read(i, [&](Index slot, Index j) {
        fill_weights<S>(c, table, gap, states.level(slot), decay, weight);
        if (levels > 0) {
          const Index column = level_column(states.level(slot), levels);
          for (Index t = 0; t < c.count; ++t) {
            out.lambda(c.ids[t], column) +=
                decay[t] * inner_product<S>(d_counts_of(t), states.state(slot, j), c.seen);
          }
        }
        product_nn<S>(view(static_cast<const S*>(weight), 1, c.count), d_counts,
                      view(states.d_state(slot), 1, c.seen), Write::kAccumulate);
        gap += states.g_of(slot, j);
      });

      // The chunk's own tokens.
      for (Index t = 0; t < c.count; ++t) {
        const S* d_counts_row = d_counts_of(t);
        for (Index s = 0; s <= t; ++s) d_masks[t * kChunk + s] = d_counts_row[c.numbers[s]];
      }
      for (Index t = 0; t < c.count; ++t) {
        S* d_mask = d_masks + t * kChunk;
        weigh_row_backward<S>(table.lambda, c.ids[t], t, kChunk, ones, c.decays + t * kChunk,
                              d_mask, mask, out.lambda);
        scale_numbers<S>(S(1), d_mask, seen_by, kChunk, true);
      }
      if (out.g != nullptr) {
        for (Index t = c.count - 1; t >= 0; --t) {
          between += row_sums[t] - seen_by[t];
          out.g[c.ids[t]] += between;
        }
      }
    }
    product_tn<S>(columns(rows(weight_block, 0, in_block), 0, seen_in_block),
                  recollect::rows(dz, block, in_block), rows(sequence.d_values, 0, seen_in_block),
                  ends ? Write::kOverwrite : Write::kAccumulate);
  }
}

template <class S>
void LogLinearById<S>::end(const Sequence& sequence, TableGradient out) {
  const Numbering& numbering = sequence.numbering;
  const std::span<const std::int32_t> ids = numbering.ids;
  const auto known = static_cast<Index>(ids.size());
  add_to_rows<S>(rows(sequence.d_values, 0, known), ids, out.values);
  for (Index a = 0; a < known; ++a) {
    const S* from = sequence.d_scores.data() + a * sequence.d_scores.stride();
    S* to = out.scores.data() + ids[static_cast<std::size_t>(a)] * out.scores.stride();
    const Index end = std::min(numbering.met(a), known);
    for (Index b = 0; b < end; ++b) to[ids[static_cast<std::size_t>(b)]] += from[b];
  }
}

template struct LogLinearById<float>;
template struct LogLinearById<double>;

}  // namespace recollect
