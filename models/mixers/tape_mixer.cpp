#include "models/mixers/tape_mixer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "math/flush_to_zero.hpp"
#include "models/segment.hpp"
#include "models/tape/products.hpp"

namespace recollect {

template <class S>
tape::Var<S> TapeMixer<S>::Segment::project(const Tensor& tensor) const {
  if (lookup != nullptr) {
    const tape::Var<S> found = lookup->product(tape, tensor);
    if (!found.empty()) return found;
  }
  return product_bt(tape, u, parameter(tensor));
}

template <class S>
auto TapeMixer<S>::begin_states(const SequenceShape&, Workspace<S>&) const -> Carry* {
  return nullptr;
}

template <class S>
auto TapeMixer<S>::begin(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry* {
  return workspace.record(Started{{}, shape.backward, begin_states(shape, workspace)});
}

template <class S>
auto TapeMixer<S>::forward(const S* theta, ConstView<S> u, const Queries& queries, Carry* carry,
                           View<S> y, Workspace<S>& workspace) const -> const Tape* {
  const FlushToZero flush;
  const Started& started = *static_cast<const Started*>(carry);
  Kept* kept =
      workspace.record(Kept{{}, tape::Tape<S>(workspace, started.backward), {}, {}, started.own});
  kept->from = kept->tape.input(u);
  kept->y = run(Segment{kept->tape, theta, kept->from, queries, started.own});
  copy<const S, S>(kept->y.value(), y);
  return kept;
}

template <class S>
void TapeMixer<S>::backward(const S*, S* gradient, ConstView<S>, const Queries&, const Tape* tape,
                            Carry*, ConstView<S> dy, View<S> du, Workspace<S>&) const {
  const FlushToZero flush;
  // The caller hands back, to be walked once, what forward() made.
  Kept& kept = *const_cast<Kept*>(static_cast<const Kept*>(tape));  // NOLINT
  tape::Tape<S>::bind(kept.from, du, false);
  tape::Tape<S>::seed(kept.y, dy);
  kept.tape.backward(gradient);
}

template <class S>
MixerView<S> TapeMixer<S>::inspect(const Tape* tape) const {
  const Kept& kept = *static_cast<const Kept*>(tape);
  return view_of(kept.own, kept.tape.workspace());
}

template <class S>
auto TapeMixer<S>::rehearse(const SequenceShape& shape) const -> Taken {
  const std::vector<S> zeros(static_cast<std::size_t>(std::max(tensors_, shape.tokens * width_)));
  std::vector<S> written(zeros.size());
  std::vector<std::int32_t> positions(static_cast<std::size_t>(shape.queries));
  // The last ones, which have all tokens before them.
  std::iota(positions.begin(), positions.end(),
            static_cast<std::int32_t>(shape.tokens - shape.queries));
  const auto elements = [](std::size_t bytes) {
    return static_cast<std::int64_t>(bytes / sizeof(S));
  };
  Workspace<S> workspace;
  Taken taken;
  const auto* started = static_cast<const Started*>(begin(shape, workspace));
  taken.carry = elements(workspace.live_bytes());
  // A whole sequence comes in the segments of a model.
  const Index most = shape.all() ? std::max(kSegment, chunk()) : shape.tokens;
  std::vector<Kept*> segments;
  std::int64_t before = taken.carry;
  for (Index first = 0; first < shape.tokens; first += most) {
    const Index tokens = std::min<Index>(most, shape.tokens - first);
    const Queries queries{std::span(positions).subspan(
                              static_cast<std::size_t>(shape.all() ? first : 0),
                              static_cast<std::size_t>(shape.all() ? tokens : shape.queries)),
                          shape.all()};
    std::optional<typename Workspace<S>::Scope> scope;
    if (!shape.backward) scope.emplace(workspace);
    Kept* kept =
        workspace.record(Kept{{}, tape::Tape<S>(workspace, shape.backward), {}, {}, started->own});
    kept->from = kept->tape.input(view(zeros.data(), tokens, width_));
    kept->y = run(Segment{kept->tape, zeros.data(), kept->from, queries, started->own, true});
    const std::int64_t live = elements(workspace.live_bytes());
    const std::int64_t own = live - before;
    taken.tape = shape.backward ? taken.tape + own : std::max(taken.tape, own);
    if (first == 0) taken.first_tape = own;
    if (shape.backward) before = live;
    taken.multiply_adds += kept->tape.multiply_adds();
    segments.push_back(kept);
  }
  const std::int64_t forward = taken.carry + taken.tape;
  taken.scratch = elements(workspace.peak_bytes()) - forward;
  if (!shape.backward) return taken;
  for (std::size_t i = segments.size(); i-- > 0;) {
    Kept& kept = *segments[i];
    tape::Tape<S>::bind(kept.from, view(written.data(), kept.from.rows(), width_), false);
    tape::Tape<S>::seed(kept.y, view(zeros.data(), kept.y.rows(), width_));
    kept.tape.backward(written.data());
  }
  taken.scratch = elements(workspace.peak_bytes()) - forward;
  return taken;
}

template <class S>
auto TapeMixer<S>::taken(const SequenceShape& shape) const -> Taken {
  const std::lock_guard lock(guard_);
  const auto [known, added] =
      known_.try_emplace({shape.tokens, shape.queries, shape.backward ? 1 : 0});
  if (added) known->second = rehearse(shape);
  return known->second;
}

template <class S>
Cost TapeMixer<S>::cost(const SequenceShape& shape) const noexcept {
  Cost cost;
  cost.state = state(shape.tokens);
  cost.state_peak = state_peak(shape.tokens);
  if (shape.tokens <= 0) return cost;
  // Few lengths are rehearsed: beyond a hundred tokens or so, a whole number of chunks.
  constexpr std::int64_t kStep = 64;
  const std::int64_t rounded =
      shape.tokens <= kStep ? shape.tokens : (shape.tokens + kStep - 1) / kStep * kStep;
  const std::int64_t tokens = std::min(rounded, kRehearsed);
  const std::int64_t queries = shape.all() ? tokens : std::min(shape.queries, tokens);
  const Taken all = taken({tokens, queries, shape.backward});
  const double times = static_cast<double>(shape.tokens) / static_cast<double>(tokens);
  // log2 of `times`, between powers of two by interpolation: as often the length doubles, and with
  // every time there is a state more.
  double doublings = 0.0;
  for (double left = times; left > 1.0; left /= 2.0) doublings += std::min(1.0, left - 1.0);
  const double more_states = 1.05 * (1.0 + 0.2 * std::ceil(doublings));
  const auto scaled = [=](std::int64_t elements, double by) {
    return static_cast<std::int64_t>(more_states * by * static_cast<double>(elements));
  };
  const double longer = std::max(times, 1.0);
  cost.multiply_adds = times * all.multiply_adds;
  if (shape.tokens > kRehearsed) {
    // n tokens take n (a + b log2 n) where all are read, a + b n where few are.
    constexpr std::int64_t kHalf = kRehearsed / 2;
    const Taken half =
        taken({kHalf, shape.all() ? kHalf : std::min(queries, kHalf), shape.backward});
    cost.multiply_adds =
        shape.all()
            ? times * (all.multiply_adds + doublings * (all.multiply_adds - 2 * half.multiply_adds))
            : all.multiply_adds + 2 * (times - 1) * (all.multiply_adds - half.multiply_adds);
  }
  cost.multiply_adds += uncounted_multiply_adds(shape);
  // Without a backward pass the states of any length lie in the same places.
  const bool stays = shape.all() && !shape.backward;
  cost.carry = scaled(all.carry, stays ? 1.0 : longer);
  cost.scratch = shape.all() ? all.scratch + all.scratch / 20 : scaled(all.scratch, longer);
  cost.tape = scaled(all.tape, longer);
  const std::int64_t segment = std::max(kSegment, chunk());
  if (shape.all() && tokens > segment) {
    // A model reckons with the first segment as often as there are segments. Later ones take more,
    // which counts as a part of the carry.
    const double segments =
        shape.backward ? static_cast<double>(shape.tokens) / static_cast<double>(segment) : 1.0;
    const auto reckoned = static_cast<std::int64_t>(segments * static_cast<double>(all.first_tape));
    const std::int64_t taken_of_all = shape.backward ? scaled(all.tape, longer) : all.tape;
    const Taken first = taken({segment, segment, shape.backward});
    cost.carry += std::max<std::int64_t>(taken_of_all - reckoned, 0) +
                  std::max<std::int64_t>(all.scratch - first.scratch, 0);
  }
  return cost;
}

template class TapeMixer<float>;
template class TapeMixer<double>;

}  // namespace recollect
