#include "models/sequence_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "math/flush_to_zero.hpp"
#include "models/segment.hpp"

namespace recollect {

template <class S>
SequenceModel<S>::SequenceModel(const ModelSpec& spec, std::int64_t vocab,
                                std::int64_t train_length, std::int64_t levels, bool with_weights)
    : settings_(spec.model), execution_(spec.execution), vocab_(vocab) {
  settings_.validate();
  const Index width = settings_.width;
  const auto matrix = [&](const std::string& name, Index rows) {
    return layout_.add_matrix(name, rows, width, Fill::kNormal, kInitialDeviation);
  };
  embedding_.weight = matrix("embedding.weight", vocab);
  if (settings_.position == Position::kLearned) {
    positions_ = Positions{matrix("position.weight", train_length)};
  }
  const std::size_t first_of_layers = layout_.all().size();
  const bool sees_ids_alone = settings_.position != Position::kLearned &&
                              settings_.short_conv == 0 && settings_.embedding_dropout == 0.0;
  for (std::int64_t layer = 0; layer < settings_.layers; ++layer) {
    const MixerSettings& mixer =
        spec.layers.empty() ? spec.mixer : *spec.layers[static_cast<std::size_t>(layer)];
    mixer.validate(settings_);
    blocks_.emplace_back(
        LayerContext{settings_, execution_, levels, fmt::format("layers.{}.", layer),
                     layer == 0 && sees_ids_alone ? vocab : 0},
        mixer, layout_);
  }
  if (settings_.init == Init::kUniform) layout_.make_uniform(first_of_layers);
  final_norm_ = add_norm(layout_, "final_norm", width, settings_.norm_kind);
  head_.weight = settings_.tied_head ? embedding_.weight : matrix("head.weight", vocab);
  table_.emplace(blocks_.front(), embedding_.weight, settings_.norm, sees_ids_alone);
  if (with_weights) weights_.assign(static_cast<std::size_t>(layout_.size()), S(0));
}

template <class S>
void SequenceModel<S>::initialise(std::uint64_t seed) {
  recollect::initialise<S>(layout_, seed, weights_);
}

template <class S>
std::size_t SequenceModel<S>::gradient_size(std::int64_t tokens) const noexcept {
  const Index table = table_->gradient_size(tokens);
  return static_cast<std::size_t>(table == 0 ? layout_.size() : table_offset() + table);
}

template <class S>
Index SequenceModel<S>::table_offset() const noexcept {
  constexpr Index kAligned = 64 / sizeof(S);  // so that rows of 64 bytes are whole lines of cache
  return (layout_.size() + kAligned - 1) / kAligned * kAligned;
}

template <class S>
void SequenceModel<S>::begin_step(const StepShape& step) {
  const S* theta = weights_.data();
  for (Block<S>& block : blocks_) block.begin_step(theta, step);
  head_packed_.pack(head_, theta);
  table_->begin_step(theta, step);
}

template <class S>
void SequenceModel<S>::end_step(std::span<S> gradient, int threads) {
  table_->end_step(weights_.data(), gradient.data(), gradient.data() + table_offset(), threads);
}

/// One sequence on its way through the layers.
template <class S>
struct SequenceModel<S>::Pass {
  const SequenceInput& input;
  std::span<const std::int32_t> everything;  ///< 0..T-1
  bool by_table;                             ///< the first layer looks ids up
  std::size_t inner;                         ///< layers that run by segments
  Index segment_tokens;                      ///< of every segment but the last
  typename Block<S>::Carry* carries;         ///< (layers)
  const DropoutDraw* dropout;                ///< null: none

  [[nodiscard]] Index tokens() const { return static_cast<Index>(everything.size()); }
  [[nodiscard]] Index segments() const { return (tokens() + segment_tokens - 1) / segment_tokens; }
  [[nodiscard]] Segment segment(Index index) const {
    const auto begin = static_cast<std::size_t>(index * segment_tokens);
    const auto count =
        std::min(static_cast<std::size_t>(segment_tokens), everything.size() - begin);
    return Segment{Queries{everything.subspan(begin, count), true},
                   input.ids.subspan(begin, count)};
  }
};

template <class S>
struct SequenceModel<S>::Segment {
  Queries queries;
  std::span<const std::int32_t> ids;
  [[nodiscard]] Index count() const { return queries.count(); }
};

/// What stands between the last layer and the logits, (R, D).
template <class S>
struct SequenceModel<S>::ReadOut {
  View<S> normal;
  S* inverse_sd;
  View<S> final;
};

/// Sequences of more tokens take subnormal numbers as zero, forward and back. Shorter ones hardly
/// meet any and keep the bits that their published results have. (Mixers on the tape always do.)
constexpr std::size_t kLongestWithSubnormals = 1024;

template <class S>
Index SequenceModel<S>::segment_tokens(std::int64_t tokens) const noexcept {
  if (execution_.form == Form::kDense || execution_.form == Form::kRecurrent) return tokens;
  // Chunks and kSegment are powers of two, so the largest is a multiple of them all.
  Index segment = kSegment;
  for (const Block<S>& block : blocks_) segment = std::max(segment, block.chunk());
  return segment;
}

template <class S>
void SequenceModel<S>::expect_positions(Index tokens) const {
  if (!positions_ || tokens <= positions_->weight.rows) return;
  throw ConfigError(fmt::format("a sequence of {} tokens is longer than the {} learned positions",
                                tokens, positions_->weight.rows));
}

template <class S>
auto SequenceModel<S>::begin(const SequenceInput& input, S* gradient, bool stream,
                             Workspace<S>& workspace) const -> Pass {
  const auto tokens = static_cast<Index>(input.ids.size());
  expect_positions(tokens);
  auto* everything = workspace.template array<std::int32_t>(tokens);
  std::iota(everything, everything + tokens, 0);
  auto* carries =
      workspace.template array<typename Block<S>::Carry>(static_cast<Index>(blocks_.size()));
  const bool all = stream || input.positions.size() == input.ids.size();
  Pass pass{input,
            {everything, input.ids.size()},
            table_->active(),
            all ? blocks_.size() : blocks_.size() - 1,
            segment_tokens(tokens),
            carries,
            gradient != nullptr && settings_.embedding_dropout > 0.0 && input.dropout
                ? &*input.dropout
                : nullptr};
  S* table_gradient = gradient == nullptr ? nullptr : gradient + table_offset();
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const bool by_segments = layer < pass.inner;
    const SequenceShape shape{
        tokens, by_segments ? tokens : static_cast<std::int64_t>(input.positions.size()),
        gradient != nullptr};
    const auto ids = layer == 0 && pass.by_table ? input.ids : std::span<const std::int32_t>();
    carries[layer] = blocks_[layer].begin(shape, ids, table_gradient, workspace);
  }
  return pass;
}

template <class S>
auto SequenceModel<S>::input_of(const Pass& pass, std::size_t layer, S* x,
                                std::span<const std::int32_t> ids) const ->
    typename Block<S>::Input {
  const bool by_table = layer == 0 && pass.by_table;
  return {static_cast<Index>(ids.size()), x, by_table ? ids : std::span<const std::int32_t>(),
          embedding_.weight.in(weights_.data())};
}

template <class S>
void SequenceModel<S>::segment_forward(const Pass& pass, const Segment& segment, S* out,
                                       const typename Block<S>::Tape** tapes,
                                       Workspace<S>& workspace) const {
  const Index count = segment.count();
  const Index size = count * settings_.width;
  S* x = nullptr;
  if (!pass.by_table || pass.inner == 0) {
    x = pass.inner == 0 ? out : workspace.take(size);
    const View<S> embedded = view(x, count, settings_.width);
    embedding_.forward<S>(weights_.data(), segment.ids, embedded);
    const Index first = segment.queries.first();
    if (positions_) positions_->forward<S>(weights_.data(), embedded, first);
    if (pass.dropout != nullptr) {
      drop<S>(settings_.embedding_dropout, *pass.dropout, first, embedded);
    }
  }
  for (std::size_t layer = 0; layer < pass.inner; ++layer) {
    S* to = layer + 1 == pass.inner ? out : workspace.take(size);
    tapes[layer] = blocks_[layer].forward(weights_.data(), input_of(pass, layer, x, segment.ids),
                                          segment.queries, pass.carries[layer], to, workspace);
    x = to;
  }
}

template <class S>
void SequenceModel<S>::segment_backward(const Pass& pass, const Segment& segment,
                                        const typename Block<S>::Tape* const* tapes, S* d_out,
                                        S* gradient, Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Index count = segment.count();
  S* from = d_out;
  S* to = workspace.take(pass.inner > 0 ? count * settings_.width : 0);
  for (std::size_t layer = pass.inner; layer-- > 0;) {
    S* d_input = blocks_[layer].backward(
        weights_.data(), gradient, input_of(pass, layer, nullptr, segment.ids), segment.queries,
        *tapes[layer], pass.carries[layer], from, to, workspace);
    if (d_input == to) std::swap(from, to);
  }
  const View<S> d_embedded = view(from, count, settings_.width);
  const Index first = segment.queries.first();
  if (pass.dropout != nullptr) {
    drop<S>(settings_.embedding_dropout, *pass.dropout, first, d_embedded);
  }
  embedding_.backward<S>(gradient, segment.ids, d_embedded);
  if (positions_) positions_->backward<S>(gradient, d_embedded, first);
}

template <class S>
auto SequenceModel<S>::read_out(View<S> last, View<S> logits, Workspace<S>& workspace) const
    -> ReadOut {
  const ReadOut out{workspace.matrix(last.rows(), last.cols()), workspace.take(last.rows()),
                    workspace.matrix(last.rows(), last.cols())};
  final_norm_.forward<S>(weights_.data(), last, out.normal, out.inverse_sd, out.final);
  head_packed_.forward(out.final, logits);
  return out;
}

template <class S>
void SequenceModel<S>::read_out_backward(View<S> last, std::span<const std::int32_t> labels,
                                         S loss_scale, View<S> d_last, S* gradient,
                                         CrossEntropy& total, Workspace<S>& workspace) const {
  const View<S> logits = workspace.matrix(last.rows(), vocab_);
  const ReadOut read = read_out(last, logits, workspace);
  cross_entropy<S>(labels, loss_scale, logits, total);
  head_.backward<S>(weights_.data(), gradient, read.final, logits, d_last, Write::kOverwrite);
  final_norm_.backward<S>(weights_.data(), gradient, read.normal, read.inverse_sd, d_last, d_last);
}

template <class S>
template <class Sink>
void SequenceModel<S>::run(const SequenceInput& input, bool stream, Workspace<S>& workspace,
                           Sink&& sink) const {
  const FlushToZero flush(input.ids.size() > kLongestWithSubnormals);
  const typename Workspace<S>::Scope scope(workspace);
  const Pass pass = begin(input, nullptr, stream, workspace);
  const Index width = settings_.width;
  const bool by_segments = pass.inner == blocks_.size();
  auto** tapes =
      workspace.template array<const typename Block<S>::Tape*>(static_cast<Index>(blocks_.size()));
  const auto scored = static_cast<Index>(input.positions.size());
  S* last = by_segments ? nullptr : workspace.take(pass.tokens() * width);
  for (Index i = 0, r = 0; i < pass.segments(); ++i) {
    const typename Workspace<S>::Scope segment_scope(workspace);
    const Segment here = pass.segment(i);
    if (!by_segments) {
      segment_forward(pass, here, last + i * pass.segment_tokens * width, tapes, workspace);
      continue;
    }
    S* out = workspace.take(here.count() * width);
    segment_forward(pass, here, out, tapes, workspace);
    if (scored == pass.tokens()) {
      sink(here.queries.first(), view(out, here.count(), width));
      continue;
    }
    for (; r < scored; ++r) {
      const Index t = input.positions[static_cast<std::size_t>(r)] - here.queries.first();
      if (t >= here.count()) break;
      sink(r, view(out + t * width, 1, width));
    }
  }
  if (by_segments) return;
  S* out = workspace.take(scored * width);
  (void)blocks_.back().forward(weights_.data(), input_of(pass, pass.inner, last, input.ids),
                               Queries{input.positions, false}, pass.carries[pass.inner], out,
                               workspace);
  for (Index r = 0; r < scored; r += kSegment) {
    const Index count = std::min(kSegment, scored - r);
    sink(r, view(out + r * width, count, width));
  }
}

template <class S>
SequenceOutcome SequenceModel<S>::logits_of(const SequenceInput& input, bool stream,
                                            Workspace<S>& workspace, View<S> logits) const {
  CrossEntropy total;
  run(input, stream, workspace, [&](Index first, View<S> last) {
    const View<S> here = rows(logits, first, last.rows());
    (void)read_out(last, here, workspace);
    cross_entropy<S>(input.labels.subspan(static_cast<std::size_t>(first)), S(0), here, total);
  });
  return SequenceOutcome{total.loss, total.correct};
}

template <class S>
SequenceOutcome SequenceModel<S>::forward(const SequenceInput& input, Workspace<S>& workspace,
                                          View<S> logits) const {
  return logits_of(input, false, workspace, logits);
}

template <class S>
SequenceOutcome SequenceModel<S>::stream(const SequenceInput& input, Workspace<S>& workspace,
                                         View<S> logits) const {
  return logits_of(input, true, workspace, logits);
}

template <class S>
SequenceOutcome SequenceModel<S>::score(const SequenceInput& input, Workspace<S>& workspace,
                                        std::span<std::int32_t> answers) const {
  CrossEntropy total;
  run(input, false, workspace, [&](Index first, View<S> last) {
    const typename Workspace<S>::Scope scope(workspace);
    const View<S> logits = workspace.matrix(last.rows(), vocab_);
    (void)read_out(last, logits, workspace);
    for (Index r = 0; r < logits.rows(); ++r) {
      const std::span<const S> row = logits.row(r);
      const auto largest = std::max_element(row.begin(), row.end());
      answers[static_cast<std::size_t>(first + r)] =
          static_cast<std::int32_t>(largest - row.begin());
    }
    cross_entropy<S>(input.labels.subspan(static_cast<std::size_t>(first)), S(0), logits, total);
  });
  return SequenceOutcome{total.loss, total.correct};
}

template <class S>
SequenceOutcome SequenceModel<S>::forward_backward(const SequenceInput& input, S loss_scale,
                                                   Workspace<S>& workspace,
                                                   std::span<S> gradient_span) const {
  const FlushToZero flush(input.ids.size() > kLongestWithSubnormals);
  const typename Workspace<S>::Scope scope(workspace);
  S* gradient = gradient_span.data();
  const Pass pass = begin(input, gradient, false, workspace);
  const Index width = settings_.width;
  const auto inner = static_cast<Index>(pass.inner);
  const auto scored = static_cast<Index>(input.positions.size());
  CrossEntropy total;

  auto** tapes = workspace.template array<const typename Block<S>::Tape*>(pass.segments() * inner);
  // What the segments end in: the last layer's output if it runs by segments, else its input.
  const View<S> last = workspace.matrix(pass.tokens(), width);
  const View<S> d_last = workspace.matrix(pass.tokens(), width);
  const auto at = [&](View<S> m, Index i) { return m.row(i * pass.segment_tokens).data(); };
  for (Index i = 0; i < pass.segments(); ++i) {
    segment_forward(pass, pass.segment(i), at(last, i), tapes + i * inner, workspace);
  }
  if (pass.inner < blocks_.size()) {
    const Queries queries{input.positions, false};
    const auto block_input = input_of(pass, pass.inner, last.data(), input.ids);
    const View<S> out = workspace.matrix(scored, width);
    const auto* tape = blocks_.back().forward(weights_.data(), block_input, queries,
                                              pass.carries[pass.inner], out.data(), workspace);
    const View<S> d_out = workspace.matrix(scored, width);
    read_out_backward(out, input.labels, loss_scale, d_out, gradient, total, workspace);
    (void)blocks_.back().backward(weights_.data(), gradient, block_input, queries, *tape,
                                  pass.carries[pass.inner], d_out.data(), d_last.data(), workspace);
  }
  for (Index i = pass.segments() - 1; i >= 0; --i) {
    const Segment here = pass.segment(i);
    if (pass.inner == blocks_.size()) {
      const typename Workspace<S>::Scope segment_scope(workspace);
      const Index first = here.queries.first();
      read_out_backward(rows(last, first, here.count()),
                        input.labels.subspan(static_cast<std::size_t>(first)), loss_scale,
                        rows(d_last, first, here.count()), gradient, total, workspace);
    }
    segment_backward(pass, here, tapes + i * inner, at(d_last, i), gradient, workspace);
  }
  return SequenceOutcome{total.loss, total.correct};
}

template <class S>
std::vector<LayerInspection> SequenceModel<S>::inspect(std::span<const std::int32_t> ids,
                                                       Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const auto tokens = static_cast<Index>(ids.size());
  expect_positions(tokens);
  auto* positions = workspace.template array<std::int32_t>(tokens);
  std::iota(positions, positions + tokens, 0);
  const Queries queries{{positions, ids.size()}, true};
  const Index width = settings_.width;
  S* x = workspace.take(tokens * width);
  embedding_.forward<S>(weights_.data(), ids, view(x, tokens, width));
  if (positions_) positions_->forward<S>(weights_.data(), view(x, tokens, width), 0);
  std::vector<LayerInspection> layers;
  for (const Block<S>& block : blocks_) {
    S* out = workspace.take(tokens * width);
    const typename Workspace<S>::Scope layer_scope(workspace);
    const auto carry = block.begin({tokens, tokens, false}, {}, nullptr, workspace);
    const auto* tape =
        block.forward(weights_.data(), {tokens, x, {}, {}}, queries, carry, out, workspace);
    layers.push_back(inspection_of<S>(block.inspect(*tape), tokens));
    x = out;
  }
  return layers;
}

template <class S>
Cost SequenceModel<S>::cost(const SequenceShape& shape) const noexcept {
  const std::int64_t width = settings_.width;
  const std::int64_t tokens = shape.tokens;
  const std::int64_t segment = std::min<std::int64_t>(segment_tokens(tokens), tokens);
  Cost total;
  total.multiply_adds = static_cast<double>(width) * static_cast<double>(vocab_ * shape.queries);
  // Positions; what the segments end in, and its gradient.
  const std::int64_t ends = shape.backward ? 2 : shape.all() ? 0 : 1;
  total.carry = tokens + ends * tokens * width;
  // What segments leave, the embedded tokens first; then what stands between them and the logits.
  std::int64_t by_segments = (shape.backward ? tokens : segment) * width;
  std::int64_t last = (shape.all() ? segment : shape.queries) * (4 * width + vocab_);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const bool cut = shape.all() || layer + 1 < blocks_.size();
    const SequenceShape whole{tokens, cut ? tokens : shape.queries, shape.backward};
    const Cost cost = blocks_[layer].cost(whole);
    total.multiply_adds += cost.multiply_adds;
    total.state += cost.state;
    total.state_peak += cost.state_peak;
    // A table's way may take more of something than the mixer's own.
    const bool may_tabulate = layer == 0 && blocks_.front().first_layer() != nullptr;
    const Cost table = may_tabulate ? blocks_.front().first_layer()->cost(whole) : Cost{};
    total.carry += std::max(cost.carry, table.carry);
    if (!cut) {
      last += cost.tape;
      total.scratch = std::max(total.scratch, cost.scratch);
      continue;
    }
    const Cost one = blocks_[layer].cost({segment, segment, shape.backward});
    // Going forward only, the tape of a segment makes room for that of the next.
    const double segments =
        shape.backward ? static_cast<double>(tokens) / static_cast<double>(segment) : 1.0;
    const std::int64_t of_one = std::max(one.tape, table.tape / tokens * segment);
    by_segments += static_cast<std::int64_t>(segments * static_cast<double>(of_one));
    total.scratch = std::max({total.scratch, one.scratch, table.scratch});
  }
  total.tape = shape.backward || shape.all() ? by_segments + last : std::max(by_segments, last);
  return total;
}

template class SequenceModel<float>;
template class SequenceModel<double>;

}  // namespace recollect
