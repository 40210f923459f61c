#pragma once

#include <bit>
#include <cstdint>

#include "math/workspace.hpp"

namespace recollect {

/// The binary counter over chunks. With levels, digit b of i says whether a state of 2^b chunks is
/// waiting when chunk i begins; without, one state covers all chunks before i.
struct ChunkCounter {
  bool has_levels;

  /// Number of states that may be waiting at once.
  [[nodiscard]] Index slots(Index chunks) const noexcept {
    return has_levels ? std::bit_width(static_cast<std::uint64_t>(chunks)) : 1;
  }

  /// Calls visit(slot, state) for the states that chunk i reads, nearest block first; `state` is
  /// the index of the chunk that completed it.
  template <class Visit>
  void for_each_read(Index i, Visit&& visit) const {
    visit_ones(i, ~std::uint64_t{0}, visit);
  }

  /// The same for the states that merge with chunk i's own: those of the trailing ones of i.
  template <class Visit>
  void for_each_merge(Index i, Visit&& visit) const {
    visit_ones(i, (std::uint64_t{1} << std::countr_one(static_cast<std::uint64_t>(i))) - 1, visit);
  }

  /// The slot that the state completed by chunk i goes to.
  [[nodiscard]] Index slot_after(Index i) const noexcept {
    return has_levels ? std::countr_one(static_cast<std::uint64_t>(i)) : 0;
  }

 private:
  template <class Visit>
  void visit_ones(Index i, std::uint64_t mask, Visit&& visit) const {
    if (!has_levels) {
      if (i > 0) visit(Index{0}, i - 1);
      return;
    }
    const auto digits = static_cast<std::uint64_t>(i);
    for (std::uint64_t ones = digits & mask; ones != 0; ones &= ones - 1) {
      const int slot = std::countr_zero(ones);
      visit(Index{slot}, static_cast<Index>((digits >> slot) << slot) - 1);
    }
  }
};

/// Level of the block that waits in `slot` of the counter over chunks of `chunk` = 2^c tokens.
[[nodiscard]] constexpr Index level_of_slot(Index chunk, Index slot) noexcept {
  return std::countr_zero(static_cast<std::uint64_t>(chunk)) + 1 + slot;
}

/// The states of one head over a sequence of n chunks, merged like the digits of a binary counter:
/// when chunk i is done, the states of the trailing ones of i and chunk i's own become the state of
/// the next higher digit. Each is kept relative to the end of its own block, so that every exponent
/// is <= 0. In the workspace.
template <class S>
struct ChunkStates {
  Index chunk;   ///< tokens of a chunk, a power of two
  Index chunks;  ///< n
  Index size;    ///< elements of a state
  ChunkCounter counter;
  bool backward;  ///< every state is kept, not only those that wait in the counter
  S* states;      ///< (n - 1, size) completed by chunk i; or one for each digit of the counter
  S* block_g;     ///< (n) g summed over the block of that state; or one for each digit
  S* d_states;    ///< (digits, size) gradients of the states that wait, or null

  [[nodiscard]] static ChunkStates begin(Index tokens, Index size, Index chunk, bool has_levels,
                                         bool backward, Workspace<S>& workspace) {
    const Index chunks = (tokens + chunk - 1) / chunk;
    const ChunkCounter counter{has_levels};
    const Index slots = counter.slots(chunks);
    return ChunkStates{chunk,
                       chunks,
                       size,
                       counter,
                       backward,
                       workspace.take((backward ? chunks - 1 : slots) * size),
                       workspace.take(backward ? chunks : slots),
                       backward ? workspace.take(slots * size) : nullptr};
  }
  /// Elements that begin() takes at most.
  [[nodiscard]] static std::int64_t room(std::int64_t tokens, std::int64_t size, std::int64_t chunk,
                                         bool has_levels, bool backward) noexcept {
    const std::int64_t chunks = (tokens + chunk - 1) / chunk;
    const std::int64_t slots = ChunkCounter{has_levels}.slots(chunks);
    return backward ? (chunks - 1 + slots) * size + chunks + 16 : slots * (size + 1) + 16;
  }

  /// The state that chunk i completed and that waits, or waited, in `slot`.
  [[nodiscard]] S* state(Index slot, Index i) const { return states + place(slot, i) * size; }
  [[nodiscard]] S& g_of(Index slot, Index i) const { return block_g[place(slot, i)]; }
  [[nodiscard]] S* d_state(Index slot) const { return d_states + slot * size; }
  [[nodiscard]] bool is_last(Index i) const { return i + 1 == chunks; }
  /// Where chunk i's own state is computed: in the slot that will hold it, which is free unless one
  /// state covers all chunks; then in `spare`.
  [[nodiscard]] S* own(Index i, S* spare) const {
    return counter.has_levels || backward ? state(counter.slot_after(i), i) : spare;
  }
  /// Ends chunk i: the states that merge with its own are added to it, with g summed over the
  /// chunk's tokens, and the sum waits in its slot.
  void complete(Index i, S* own, S g) const;

  /// Called before chunk i is propagated backwards, from the last to the first. @returns the
  /// gradient of the decay between chunk i and the next, the sum of <dS, S> over the states that
  /// wait there; 0 unless `gated`
  [[nodiscard]] S begin_backward(Index i, bool gated) const;
  /// The backward pass of complete(): the gradient of the merged state is that of the chunk's own,
  /// and becomes that of each state that merged into it.
  void complete_backward(Index i, S g) const;
  /// Level of the block that waits in `slot`.
  [[nodiscard]] Index level(Index slot) const { return level_of_slot(chunk, slot); }

 private:
  [[nodiscard]] Index place(Index slot, Index i) const { return backward ? i : slot; }
};

}  // namespace recollect
