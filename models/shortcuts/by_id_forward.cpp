#include <algorithm>

#include "models/kernels/rows.hpp"
#include "models/shortcuts/by_id.hpp"
#include "models/shortcuts/by_id_chunk.hpp"

namespace recollect {

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

namespace {

/// The forward pass of one segment, chunk by chunk: N from the states and the chunk's own tokens,
/// then z = (A N) B, then the chunk's state.
template <class S>
class Forward {
 public:
  using Core = LogLinearById<S>;
  using Chunk = by_id::Chunk<S>;
  static constexpr Index kChunk = Core::kChunk;

  Forward(const typename Core::Sequence& sequence, Workspace<S>& workspace)
      : sequence_(sequence),
        table_(sequence.table),
        states_(sequence.states),
        read_(workspace.matrix(states_.counter.slots(states_.chunks), states_.size)),
        weights_(workspace.matrix(read_.rows(), kChunk)),
        scored_(workspace.matrix(kChunk, states_.size)),
        decay_(workspace.take(kChunk)),
        masks_(workspace.take(kChunk * kChunk)),
        ones_(workspace.take(kChunk)),
        own_room_(workspace.take(states_.size)) {
    std::fill_n(ones_, kChunk, S(1));
  }

  /// @param z  (count, D) = or += the chunk's output
  void chunk(const Chunk& c, View<S> z, Write write) {
    S sum = 0;
    for (Index t = 0; t < c.count; ++t) {
      if (table_.g != nullptr) sum += table_.g[c.ids[t]];
      c.from_start[t] = sum;
    }
    read_states(c);
    own_tokens(c);
    const View<S> scored = columns(rows(scored_, 0, c.count), 0, c.seen);
    product_nn<S>(scored, rows(sequence_.values, 0, c.seen), z, write);
    if (!states_.is_last(c.index)) complete_state(c);  // nobody reads the last chunk's
  }

 private:
  /// N = what the states before the chunk counted, each weighed by its decay and level.
  void read_states(const Chunk& c) {
    Index reads = 0;
    S gap = 0;
    states_.counter.for_each_read(c.index, [&](Index slot, Index j) {
      by_id::fill_weights<S>(c, table_, gap, states_.level(slot), decay_,
                             weights_.data() + reads * kChunk);
      std::copy_n(states_.state(slot, j), c.seen, read_.data() + reads * states_.size);
      gap += states_.g_of(slot, j);
      ++reads;
    });
    product_tn<S>(columns(rows(weights_, 0, reads), 0, c.count),
                  columns(rows(read_, 0, reads), 0, c.seen), c.counts);
  }

  /// N += M[t,s] at the id of s, then the scores A N. One step for all tokens before the next: what
  /// was written element by element is slow to read as a vector at once.
  void own_tokens(const Chunk& c) {
    for (Index t = 0; t < c.count; ++t) {
      S* decays = c.decays + t * kChunk;
      exp_shifted<S>(c.from_start, S(-1), c.from_start[t], t + 1, decays);
      weigh_row<S>(table_.lambda, c.ids[t], t, kChunk, ones_, decays, masks_ + t * kChunk);
    }
    for (Index t = 0; t < c.count; ++t) {
      S* counts = c.counts_of(t);
      for (Index s = 0; s <= t; ++s) counts[c.numbers[s]] += masks_[t * kChunk + s];
    }
    for (Index t = 0; t < c.count; ++t) {
      const S* scores = sequence_.scores.data() + c.numbers[t] * sequence_.scores.stride();
      const S* counts = c.counts_of(t);
      S* to = scored_.data() + t * states_.size;
      for (Index i = 0; i < c.seen; ++i) to[i] = scores[i] * counts[i];
    }
  }

  /// The chunk's own state counts its ids, decayed to the end of the chunk.
  void complete_state(const Chunk& c) {
    S* own = states_.own(c.index, own_room_);
    std::fill_n(own, states_.size, S(0));
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, decay_);
    for (Index t = 0; t < c.count; ++t) own[c.numbers[t]] += decay_[t];
    states_.complete(c.index, own, c.total());
  }

  const typename Core::Sequence& sequence_;
  const typename Core::Table& table_;
  const ChunkStates<S>& states_;
  View<S> read_;     // (slots, n') the states that a chunk reads, side by side
  View<S> weights_;  // (slots, kChunk) how its tokens weigh them
  View<S> scored_;   // (kChunk, n') A N
  S* decay_;         // (kChunk)
  S* masks_;         // (kChunk, kChunk) M inside the chunk
  S* ones_;          // (kChunk)
  S* own_room_;      // (n')
};

}  // namespace

template <class S>
auto LogLinearById<S>::forward(const Sequence& sequence, Index first,
                               std::span<const std::int32_t> ids, View<S> z, Write write,
                               Workspace<S>& workspace) -> Tape {
  const auto length = static_cast<Index>(ids.size());
  const Tape tape{workspace.take(length * sequence.states.size), workspace.take(length * kChunk),
                  workspace.take(length)};
  const typename Workspace<S>::Scope scope(workspace);
  Forward<S> pass(sequence, workspace);
  for (Index start = 0; start < length; start += kChunk) {
    const by_id::Chunk<S> c(sequence, first, ids, start, tape);
    pass.chunk(c, rows(z, start, c.count), write);
  }
  return tape;
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
