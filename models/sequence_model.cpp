#include "models/sequence_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/mlp.hpp"
#include "models/kernels/rows.hpp"
#include "models/layers/convolution.hpp"
#include "models/registry.hpp"

namespace recollect {

template <class S>
struct SequenceModel<S>::Block {
  std::optional<ShortConvolution> convolution;
  std::unique_ptr<Mixer<S>> mixer;
  Linear out;
  TurnedLinear<S> out_turned;
  LayerNorm norm;
  std::optional<Mlp> mlp;
  LayerNorm mlp_norm;
};

/// What a layer leaves of one segment of n tokens for its backward pass. R rows where the layer's
/// output is read; the norm before a pre-norm mixer has n.
template <class S>
struct SequenceModel<S>::BlockTape {
  S* z = nullptr;      ///< (n, D) what the convolution reads
  S* u = nullptr;      ///< (n, D) what the mixer reads
  Index halo = 0;      ///< rows of earlier tokens before z and u that the convolution reaches
  S* mixed = nullptr;  ///< (R, D) what the mixer gives
  const typename Mixer<S>::Tape* mixer = nullptr;
  S* normal = nullptr;  ///< of the norm
  S* inverse_sd = nullptr;
  S* mlp_in = nullptr;  ///< (R, D)
  const Mlp::Tape<S>* mlp = nullptr;
  S* mlp_normal = nullptr;
  S* mlp_inverse_sd = nullptr;
};

/// What a layer hands from segment to segment.
template <class S>
struct SequenceModel<S>::BlockCarry {
  typename Mixer<S>::Carry* mixer = nullptr;
  S* z = nullptr;   ///< (taps - 1, D) the last rows that the convolution read
  S* dz = nullptr;  ///< (taps - 1, D) what later segments add to the gradient of these rows
};

template <class S>
SequenceModel<S>::SequenceModel(const ModelSettings& settings, const std::string& variant,
                                std::int64_t vocab, std::int64_t train_length, std::int64_t levels,
                                bool with_weights)
    : settings_(settings), vocab_(vocab) {
  const MixerEntry* entry = find_mixer(variant);
  if (entry == nullptr) {
    throw ConfigError(
        fmt::format("unknown variant '{}'; known: {}", variant, fmt::join(mixer_names(), ", ")));
  }
  settings.validate(variant);
  constexpr double kSpread = 0.02;
  const Index width = settings.width;
  const auto matrix = [&](const std::string& name, Index rows, Index cols, double spread) {
    return layout_.add_matrix(name, rows, cols, Fill::kNormal, spread);
  };
  const auto norm = [&](const std::string& name) {
    return LayerNorm{layout_.add_vector(name + ".weight", width, Fill::kConstant, 1.0),
                     layout_.add_vector(name + ".bias", width, Fill::kConstant, 0.0)};
  };

  embedding_.weight = matrix("embedding.weight", vocab, width, kSpread);
  if (settings.position == Position::kLearned) {
    positions_ = Positions{matrix("position.weight", train_length, width, kSpread)};
  }
  for (std::int64_t layer = 0; layer < settings.layers; ++layer) {
    const std::string prefix = fmt::format("layers.{}.", layer);
    Block block;
    if (settings.short_conv > 0) {
      const double bound = 1.0 / std::sqrt(static_cast<double>(settings.short_conv));
      block.convolution = ShortConvolution{layout_.add_matrix(
          prefix + "short_conv.weight", settings.short_conv, width, Fill::kUniform, bound)};
    }
    block.mixer =
        entry->make<S>(MixerContext{settings, levels, prefix, layer == 0 ? vocab : 0}, layout_);
    block.out.weight = matrix(prefix + "out_proj.weight", width, width,
                              kSpread / std::sqrt(2.0 * static_cast<double>(settings.layers)));
    block.norm = norm(prefix + "norm");
    if (settings.mlp > 0) {
      const Index hidden = settings.mlp * width;
      block.mlp = Mlp{Linear{matrix(prefix + "mlp.w1.weight", hidden, width, kSpread)},
                      Linear{matrix(prefix + "mlp.w2.weight", width, hidden, kSpread)}};
      block.mlp_norm = norm(prefix + "mlp_norm");
    }
    blocks_.push_back(std::move(block));
  }
  final_norm_ = norm("final_norm");
  head_.weight = matrix("head.weight", vocab, width, kSpread);
  if (with_weights) weights_.assign(static_cast<std::size_t>(layout_.size()), S(0));
}

template <class S>
SequenceModel<S>::~SequenceModel() = default;
template <class S>
SequenceModel<S>::SequenceModel(SequenceModel&&) noexcept = default;
template <class S>
SequenceModel<S>& SequenceModel<S>::operator=(SequenceModel&&) noexcept = default;

template <class S>
void SequenceModel<S>::initialise(std::uint64_t seed) {
  recollect::initialise<S>(layout_, seed, weights_);
}

/// What the first layer reads at each row of the vocabulary, and what its mixer made of it.
template <class S>
struct SequenceModel<S>::Tabulated {
  const S* u;       ///< (V, D) E, or its norm
  const S* normal;  ///< of that norm; null without
  const S* inverse_sd;
  const void* table;
};

template <class S>
bool SequenceModel<S>::can_tabulate() const noexcept {
  return settings_.savings && settings_.position != Position::kLearned && settings_.short_conv == 0;
}

template <class S>
std::size_t SequenceModel<S>::gradient_size() const noexcept {
  const Index table = can_tabulate() ? blocks_.front().mixer->table_size(vocab_) : 0;
  return static_cast<std::size_t>(table_offset() + table);
}

template <class S>
Index SequenceModel<S>::table_offset() const noexcept {
  constexpr Index kAligned = 64 / sizeof(S);  // so that rows of 64 bytes are whole lines of cache
  return (layout_.size() + kAligned - 1) / kAligned * kAligned;
}

template <class S>
void SequenceModel<S>::begin_step(std::int64_t longest, std::int64_t tokens, int threads) {
  const S* theta = weights_.data();
  for (Block& block : blocks_) {
    block.mixer->prepare(theta, longest);
    block.out_turned.prepare(block.out, theta);
  }
  head_turned_.prepare(head_, theta);
  tabulated_ = nullptr;
  if (!can_tabulate() || tokens < 2 * vocab_) return;
  table_room_.clear();
  const Block& first = blocks_.front();
  Tabulated made{theta + embedding_.weight.offset, nullptr, nullptr, nullptr};
  if (settings_.norm == Norm::kPre) {
    View<S> normal = table_room_.matrix(vocab_, settings_.width);
    View<S> u = table_room_.matrix(vocab_, settings_.width);
    S* inverse_sd = table_room_.take(vocab_);
    first.norm.forward(theta, embedding_.weight.in(theta), normal, inverse_sd, u);
    made = Tabulated{u.data(), normal.data(), inverse_sd, nullptr};
  }
  made.table = first.mixer->tabulate(theta, view<S>(made.u, vocab_, settings_.width), first.out,
                                     tokens, threads, table_room_);
  tabulated_ = table_room_.record(made);
}

template <class S>
void SequenceModel<S>::end_step(std::span<S> gradient, int threads) {
  if (tabulated_ == nullptr) return;
  const S* theta = weights_.data();
  const Block& first = blocks_.front();
  View<S> du = table_room_.matrix(vocab_, settings_.width);
  first.mixer->tabulate_backward(
      theta, gradient.data(), view<S>(tabulated_->u, vocab_, settings_.width), first.out,
      tabulated_->table, gradient.data() + table_offset(), du, threads, table_room_);
  if (tabulated_->normal != nullptr) {
    first.norm.backward(theta, gradient.data(),
                        view<S>(tabulated_->normal, vocab_, settings_.width),
                        tabulated_->inverse_sd, constant(du), du);
  }
  embedding_.weight.in(gradient.data()) += du;
  tabulated_ = nullptr;
  table_room_.clear();
}

/// One sequence on its way through the layers. The inner layers see it segment by segment; the last
/// one, which needs so little of it, at once.
template <class S>
struct SequenceModel<S>::Pass {
  const SequenceInput& input;
  std::span<const std::int32_t> everything;  ///< 0..T-1
  std::optional<Lookup<S>> table;
  std::size_t inner;     ///< layers that run by segments
  Index segment_tokens;  ///< of every segment but the last
  BlockCarry* carries;   ///< (layers)

  [[nodiscard]] Index tokens() const { return static_cast<Index>(everything.size()); }
  [[nodiscard]] Index segments() const { return (tokens() + segment_tokens - 1) / segment_tokens; }
  /// The first layer's, for the tokens with these ids.
  [[nodiscard]] std::optional<Lookup<S>> lookup(std::size_t layer,
                                                std::span<const std::int32_t> ids) const {
    if (layer > 0 || !table) return std::nullopt;
    return Lookup<S>{table->table, ids, table->gradient};
  }
};

template <class S>
struct SequenceModel<S>::Segment {
  Rows rows;
  std::span<const std::int32_t> ids;
  [[nodiscard]] Index count() const { return rows.count(); }
};

/// What stands between the last layer and the logits, (R, D).
template <class S>
struct SequenceModel<S>::ReadOut {
  View<S> normal;
  S* inverse_sd;
  View<S> final;
};

/// Tokens that the inner layers take at a time: what they make of them fits into the second-level
/// cache, and is enough for the products to run at full speed. A power of two, and more than the
/// longest convolution reaches back.
constexpr Index kSegment = 256;

template <class S>
Index SequenceModel<S>::segment_tokens(std::int64_t tokens) const noexcept {
  if (settings_.form == Form::kDense || settings_.form == Form::kRecurrent) return tokens;
  return std::max(kSegment, blocks_.front().mixer->chunk());
}

template <class S>
auto SequenceModel<S>::begin(const SequenceInput& input, S* gradient, bool stream,
                             Workspace<S>& workspace) const -> Pass {
  const auto tokens = static_cast<Index>(input.ids.size());
  if (positions_ && tokens > positions_->weight.rows) {
    throw ConfigError(fmt::format("a sequence of {} tokens is longer than the {} learned positions",
                                  tokens, positions_->weight.rows));
  }
  auto* everything = workspace.template array<std::int32_t>(tokens);
  std::iota(everything, everything + tokens, 0);
  auto* carries = workspace.template array<BlockCarry>(static_cast<Index>(blocks_.size()));
  Pass pass{input,
            {everything, input.ids.size()},
            std::nullopt,
            stream ? blocks_.size() : blocks_.size() - 1,
            segment_tokens(tokens),
            carries};
  if (tabulated_ != nullptr) {
    pass.table = Lookup<S>{tabulated_->table, input.ids,
                           gradient == nullptr ? nullptr : gradient + table_offset()};
  }
  const Index remembered = std::max<Index>(settings_.short_conv - 1, 0) * settings_.width;
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    carries[layer] = BlockCarry{
        blocks_[layer].mixer->begin(tokens, layer == 0 && pass.table ? &*pass.table : nullptr,
                                    layer < pass.inner, gradient != nullptr, workspace),
        workspace.take(remembered), workspace.take(remembered)};
    std::fill(carries[layer].dz, carries[layer].dz + remembered, S(0));
  }
  return pass;
}

template <class S>
auto SequenceModel<S>::segment(const Pass& pass, Index index) const -> Segment {
  const Index first = index * pass.segment_tokens;
  const auto begin = static_cast<std::size_t>(first);
  const auto count = static_cast<std::size_t>(std::min(pass.segment_tokens, pass.tokens() - first));
  return Segment{Rows{pass.everything.subspan(begin, count), true},
                 pass.input.ids.subspan(begin, count)};
}

template <class S>
void SequenceModel<S>::segment_forward(const Pass& pass, const Segment& segment, S* out,
                                       const BlockTape** tapes, Workspace<S>& workspace) const {
  const Index count = segment.count();
  const Index size = count * settings_.width;
  S* x = nullptr;
  if (!pass.table || pass.inner == 0) {
    x = pass.inner == 0 ? out : workspace.take(size);
    const View<S> embedded = view(x, count, settings_.width);
    embedding_.forward<S>(weights_.data(), segment.ids, embedded);
    if (positions_) positions_->forward<S>(weights_.data(), embedded, segment.rows.first());
  }
  for (std::size_t layer = 0; layer < pass.inner; ++layer) {
    S* to = layer + 1 == pass.inner ? out : workspace.take(size);
    const auto lookup = pass.lookup(layer, segment.ids);
    tapes[layer] = block_forward(blocks_[layer], pass.carries[layer], x,
                                 lookup ? &*lookup : nullptr, segment.rows, count, to, workspace);
    x = to;
  }
}

template <class S>
void SequenceModel<S>::segment_backward(const Pass& pass, const Segment& segment,
                                        const BlockTape* const* tapes, S* d_out, S* gradient,
                                        Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Index count = segment.count();
  S* from = d_out;
  S* to = workspace.take(pass.inner > 0 ? count * settings_.width : 0);
  for (std::size_t layer = pass.inner; layer-- > 0;) {
    const auto lookup = pass.lookup(layer, segment.ids);
    S* d_input = block_backward(blocks_[layer], *tapes[layer], pass.carries[layer],
                                lookup ? &*lookup : nullptr, segment.rows, count, from, to,
                                gradient, workspace);
    if (d_input == to) std::swap(from, to);
  }
  const ConstView<S> d_embedded = constant(view(from, count, settings_.width));
  embedding_.backward<S>(gradient, segment.ids, d_embedded);
  if (positions_) positions_->backward<S>(gradient, d_embedded, segment.rows.first());
}

template <class S>
auto SequenceModel<S>::read_out(S* last, View<S> logits, Workspace<S>& workspace) const -> ReadOut {
  const Index scored = logits.rows();
  const Index width = settings_.width;
  const ReadOut out{workspace.matrix(scored, width), workspace.take(scored),
                    workspace.matrix(scored, width)};
  final_norm_.forward<S>(weights_.data(), constant(view(last, scored, width)), out.normal,
                         out.inverse_sd, out.final);
  head_turned_.forward(constant(out.final), logits);
  return out;
}

template <class S>
auto SequenceModel<S>::block_forward(const Block& block, const BlockCarry& carry, S* x,
                                     const Lookup<S>* lookup, const Rows& rows, Index tokens,
                                     S* out, Workspace<S>& workspace) const -> const BlockTape* {
  const Index width = settings_.width;
  const Index count = rows.count();
  const S* theta = weights_.data();
  const bool pre = settings_.norm == Norm::kPre;
  const auto full = [&](S* data) { return view(data, tokens, width); };
  const auto some = [&](S* data) { return view(data, count, width); };
  BlockTape tape;
  // The convolution of a later segment reaches back into the one before.
  const Index remembered = block.convolution ? settings_.short_conv - 1 : 0;
  tape.halo = rows.first() > 0 ? remembered : 0;
  tape.z = x;
  if (tape.halo > 0 || (pre && lookup == nullptr)) {
    tape.z = workspace.take((tape.halo + tokens) * width) + tape.halo * width;
  }
  if (pre && lookup == nullptr) {
    tape.normal = workspace.take(tokens * width);
    tape.inverse_sd = workspace.take(tokens);
    block.norm.forward(theta, constant(full(x)), full(tape.normal), tape.inverse_sd, full(tape.z));
  } else if (tape.halo > 0) {
    full(tape.z) = full(x);
  }
  tape.u = tape.z;
  if (block.convolution) {
    const Index reach = tape.halo + tokens;
    S* from = tape.z - tape.halo * width;
    std::copy(carry.z, carry.z + tape.halo * width, from);
    tape.u = workspace.take(reach * width) + tape.halo * width;
    block.convolution->forward(theta, constant(view(from, reach, width)),
                               view(tape.u - tape.halo * width, reach, width));
    if (reach >= remembered) {
      std::copy(from + (reach - remembered) * width, from + reach * width, carry.z);
    }
  }
  // x + W_o mixed goes straight to where the next step reads it.
  View<S> sum = some(pre && !block.mlp ? out : workspace.take(count * width));
  const bool folded = lookup != nullptr && block.mixer->folds_output(lookup->table);
  tape.mixed = folded ? sum.data() : workspace.take(count * width);
  tape.mixer = block.mixer->forward(theta, constant(full(tape.u)), lookup, rows, carry.mixer,
                                    some(tape.mixed), workspace);
  if (!folded) block.out_turned.forward(constant(some(tape.mixed)), sum);
  if (x == nullptr) {
    add_gathered_rows<S>(embedding_.weight.in(theta), lookup->ids, sum);
  } else if (rows.all) {
    sum += full(x);
  } else {
    add_gathered_rows<S>(constant(full(x)), rows.positions, sum);
  }
  S* middle = sum.data();  // after the mixer's half of the layer
  if (!pre) {
    tape.normal = sum.data();  // the sum itself is not needed again
    tape.inverse_sd = workspace.take(count);
    middle = block.mlp ? workspace.take(count * width) : out;
    block.norm.forward(theta, constant(sum), sum, tape.inverse_sd, some(middle));
  }
  if (block.mlp) {
    tape.mlp_in = middle;
    if (pre) {
      tape.mlp_normal = workspace.take(count * width);
      tape.mlp_inverse_sd = workspace.take(count);
      tape.mlp_in = workspace.take(count * width);
      block.mlp_norm.forward(theta, constant(some(middle)), some(tape.mlp_normal),
                             tape.mlp_inverse_sd, some(tape.mlp_in));
    }
    View<S> mlp_out = some(pre ? out : workspace.take(count * width));
    tape.mlp = workspace.record(
        block.mlp->forward(theta, constant(some(tape.mlp_in)), mlp_out, workspace));
    mlp_out += some(middle);
    if (!pre) {
      tape.mlp_normal = mlp_out.data();
      tape.mlp_inverse_sd = workspace.take(count);
      block.mlp_norm.forward(theta, constant(mlp_out), mlp_out, tape.mlp_inverse_sd, some(out));
    }
  }
  return workspace.record(tape);
}

template <class S>
S* SequenceModel<S>::block_backward(const Block& block, const BlockTape& tape,
                                    const BlockCarry& carry, const Lookup<S>* lookup,
                                    const Rows& rows, Index tokens, S* d_out, S* dx_data,
                                    S* gradient, Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Index width = settings_.width;
  const Index count = rows.count();
  const S* theta = weights_.data();
  const bool pre = settings_.norm == Norm::kPre;
  const auto full = [&](S* data) { return view(data, tokens, width); };
  const auto some = [&](S* data) { return view(data, count, width); };
  View<S> d_middle = some(d_out);
  View<S> dx = full(dx_data);

  if (block.mlp) {
    if (pre) {
      View<S> d_in = workspace.matrix(count, width);
      block.mlp->backward(theta, gradient, constant(some(tape.mlp_in)), *tape.mlp,
                          constant(d_middle), d_in, Write::kOverwrite, workspace);
      block.mlp_norm.backward(theta, gradient, constant(some(tape.mlp_normal)), tape.mlp_inverse_sd,
                              constant(d_in), d_in);
      d_middle += d_in;
    } else {
      block.mlp_norm.backward(theta, gradient, constant(some(tape.mlp_normal)), tape.mlp_inverse_sd,
                              constant(d_middle), d_middle);
      View<S> d_sum = workspace.matrix(count, width);
      d_sum = d_middle;
      block.mlp->backward(theta, gradient, constant(some(tape.mlp_in)), *tape.mlp, constant(d_sum),
                          d_middle, Write::kAccumulate, workspace);
    }
  }
  if (!pre) {
    block.norm.backward(theta, gradient, constant(some(tape.normal)), tape.inverse_sd,
                        constant(d_middle), d_middle);
  }

  // d_middle is now the gradient of x + W_o mixed.
  const bool folded = lookup != nullptr && block.mixer->folds_output(lookup->table);
  View<S> d_mixed = some(folded ? d_out : workspace.take(count * width));
  const Index reach = tape.halo + tokens;
  S* du = block.convolution ? workspace.take(reach * width) + tape.halo * width : dx.data();
  if (!folded) {
    block.out.backward(theta, gradient, constant(some(tape.mixed)), constant(d_middle), d_mixed,
                       Write::kOverwrite);
  }
  block.mixer->backward(theta, gradient, constant(full(tape.u)), lookup, rows, tape.mixer,
                        carry.mixer, constant(d_mixed), full(du), workspace);
  if (lookup != nullptr) {  // the way through the mixer ends at the table
    if (rows.all) return d_out;
    dx.setZero();
  } else if (block.convolution) {
    S* d_from = du - tape.halo * width;
    std::fill(d_from, du, S(0));  // nobody reads u there
    View<S> dz = workspace.matrix(reach, width);
    block.convolution->backward(theta, gradient,
                                constant(view(tape.z - tape.halo * width, reach, width)),
                                constant(view(d_from, reach, width)), dz);
    dx = dz.bottomRows(tokens);
    const Index later = std::min(tokens, settings_.short_conv - 1);
    dx.bottomRows(later) += view(carry.dz, settings_.short_conv - 1, width).bottomRows(later);
    view(carry.dz, tape.halo, width) = dz.topRows(tape.halo);
  }
  if (pre && lookup == nullptr) {
    block.norm.backward(theta, gradient, constant(full(tape.normal)), tape.inverse_sd, constant(dx),
                        dx);
  }
  if (rows.all) {
    dx += d_middle;
  } else {
    add_to_rows<S>(constant(d_middle), rows.positions, dx);
  }
  return dx_data;
}

template <class S>
SequenceOutcome SequenceModel<S>::forward(const SequenceInput& input, Workspace<S>& workspace,
                                          View<S> logits) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Pass pass = begin(input, nullptr, false, workspace);
  const Index width = settings_.width;
  S* last = workspace.take(pass.tokens() * width);
  auto** tapes = workspace.template array<const BlockTape*>(static_cast<Index>(pass.inner));
  for (Index i = 0; i < pass.segments(); ++i) {
    const typename Workspace<S>::Scope segment_scope(workspace);
    segment_forward(pass, segment(pass, i), last + i * pass.segment_tokens * width, tapes,
                    workspace);
  }
  const Rows rows{input.positions, false};
  S* out = workspace.take(rows.count() * width);
  const auto lookup = pass.lookup(pass.inner, input.ids);
  (void)block_forward(blocks_.back(), pass.carries[pass.inner], last, lookup ? &*lookup : nullptr,
                      rows, pass.tokens(), out, workspace);
  (void)read_out(out, logits, workspace);
  return outcome_of(input.labels, logits, workspace);
}

template <class S>
SequenceOutcome SequenceModel<S>::stream(const SequenceInput& input, Workspace<S>& workspace,
                                         View<S> logits) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Pass pass = begin(input, nullptr, true, workspace);
  const Index width = settings_.width;
  auto** tapes = workspace.template array<const BlockTape*>(static_cast<Index>(pass.inner));
  Index scored = 0;
  for (Index i = 0; i < pass.segments(); ++i) {
    const typename Workspace<S>::Scope segment_scope(workspace);
    const Segment here = segment(pass, i);
    S* out = workspace.take(here.count() * width);
    segment_forward(pass, here, out, tapes, workspace);
    for (; scored < logits.rows(); ++scored) {
      const Index t = input.positions[static_cast<std::size_t>(scored)] - here.rows.first();
      if (t >= here.count()) break;
      (void)read_out(out + t * width, recollect::rows(logits, scored, 1), workspace);
    }
  }
  return outcome_of(input.labels, logits, workspace);
}

template <class S>
SequenceOutcome SequenceModel<S>::outcome_of(std::span<const std::int32_t> labels, View<S> logits,
                                             Workspace<S>& workspace) const {
  View<S> copy = workspace.matrix(logits.rows(), vocab_);
  copy = logits;
  const auto outcome = cross_entropy<S>(labels, S(0), copy);
  return SequenceOutcome{outcome.loss, outcome.correct};
}

template <class S>
SequenceOutcome SequenceModel<S>::forward_backward(const SequenceInput& input, S loss_scale,
                                                   Workspace<S>& workspace,
                                                   std::span<S> gradient_span) const {
  const typename Workspace<S>::Scope scope(workspace);
  S* gradient = gradient_span.data();
  const Pass pass = begin(input, gradient, false, workspace);
  const Index tokens = pass.tokens();
  const Index width = settings_.width;
  const S* theta = weights_.data();
  const Rows rows{input.positions, false};
  const auto inner = static_cast<Index>(pass.inner);

  auto** tapes = workspace.template array<const BlockTape*>(pass.segments() * inner);
  S* last = workspace.take(tokens * width);  // what the last layer reads
  for (Index i = 0; i < pass.segments(); ++i) {
    segment_forward(pass, segment(pass, i), last + i * pass.segment_tokens * width,
                    tapes + i * inner, workspace);
  }
  S* out = workspace.take(rows.count() * width);
  const auto lookup = pass.lookup(pass.inner, input.ids);
  const BlockTape* tape = block_forward(blocks_.back(), pass.carries[pass.inner], last,
                                        lookup ? &*lookup : nullptr, rows, tokens, out, workspace);
  View<S> logits = workspace.matrix(rows.count(), vocab_);
  const ReadOut read = read_out(out, logits, workspace);
  const auto outcome = cross_entropy<S>(input.labels, loss_scale, logits);

  View<S> d_out = workspace.matrix(rows.count(), width);
  head_.backward<S>(theta, gradient, constant(read.final), constant(logits), d_out,
                    Write::kOverwrite);
  final_norm_.backward<S>(theta, gradient, constant(read.normal), read.inverse_sd, constant(d_out),
                          d_out);
  S* d_last = workspace.take(tokens * width);
  (void)block_backward(blocks_.back(), *tape, pass.carries[pass.inner], lookup ? &*lookup : nullptr,
                       rows, tokens, d_out.data(), d_last, gradient, workspace);
  for (Index i = pass.segments() - 1; i >= 0; --i) {
    segment_backward(pass, segment(pass, i), tapes + i * inner,
                     d_last + i * pass.segment_tokens * width, gradient, workspace);
  }
  return SequenceOutcome{outcome.loss, outcome.correct};
}

template <class S>
std::int64_t SequenceModel<S>::convolution_state(std::int64_t tokens) const noexcept {
  const std::int64_t remembered = std::max<std::int64_t>(settings_.short_conv - 1, 0);
  return settings_.layers * settings_.width * std::min(tokens, remembered);
}

template <class S>
std::int64_t SequenceModel<S>::state_size(std::int64_t tokens) const noexcept {
  std::int64_t size = convolution_state(tokens);
  for (const Block& block : blocks_) size += block.mixer->state_size(tokens);
  return size;
}

template <class S>
std::int64_t SequenceModel<S>::state_size_peak(std::int64_t tokens) const noexcept {
  std::int64_t size = convolution_state(tokens);
  for (const Block& block : blocks_) size += block.mixer->state_size_peak(tokens);
  return size;
}

template <class S>
double SequenceModel<S>::nominal_multiply_adds(std::int64_t tokens,
                                               std::int64_t scored) const noexcept {
  const auto width = static_cast<double>(settings_.width);
  double count = width * static_cast<double>(vocab_ * scored);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const bool all = layer + 1 < blocks_.size();
    const std::int64_t rows = all ? tokens : scored;
    count += blocks_[layer].mixer->multiply_adds(tokens, rows, all);
    count += static_cast<double>(rows) * width * width *
             (1.0 + 2.0 * static_cast<double>(settings_.mlp));
    count += width * static_cast<double>(settings_.short_conv * tokens);
  }
  return count;
}

template <class S>
std::int64_t SequenceModel<S>::workspace_size(std::int64_t tokens,
                                              std::int64_t scored) const noexcept {
  return workspace_size(tokens, scored, true);
}

template <class S>
std::int64_t SequenceModel<S>::forward_workspace_size(std::int64_t tokens,
                                                      std::int64_t scored) const noexcept {
  return workspace_size(tokens, scored, false);
}

template <class S>
std::int64_t SequenceModel<S>::workspace_size(std::int64_t tokens, std::int64_t scored,
                                              bool backward) const noexcept {
  const std::int64_t made = workspace_size(tokens, scored, backward, false);
  if (!blocks_.front().mixer->may_fold_output()) return made;
  return std::max(made, workspace_size(tokens, scored, backward, true));
}

template <class S>
std::int64_t SequenceModel<S>::workspace_size(std::int64_t tokens, std::int64_t scored,
                                              bool backward, bool folded) const noexcept {
  const std::int64_t width = settings_.width;
  const bool pre = settings_.norm == Norm::kPre;
  const std::int64_t taps = settings_.short_conv;
  // The last layer's input, its gradient; places.
  std::int64_t size = (backward ? 2 : 1) * tokens * width + tokens;
  std::int64_t scratch = 0;
  // A layer's tape of a segment of n tokens; the largest scratch is shared by all.
  const auto add = [&](const Block& block, std::int64_t n, std::int64_t rows, bool all) {
    const bool by_table = folded && &block == &blocks_.front();
    const Footprint mixer = block.mixer->footprint(n, rows, all, by_table);
    size += mixer.tape + (pre ? 0 : rows * width);
    // What the mixer gives, the norm before it and the input: with a table, E and the table's own.
    if (!by_table) size += (rows + (pre ? 2 * n : 0) + (all ? n : 0)) * width;
    if (taps > 0) size += n * width;
    if (settings_.mlp > 0) size += rows * width * (2 * settings_.mlp + (pre ? 3 : 2));
    if (pre && settings_.mlp == 0 && all) size -= rows * width;
    const std::int64_t convolved = taps > 0 ? n * width : 0;
    std::int64_t most = std::max(mixer.scratch, convolved) + rows * width + convolved;
    if (settings_.mlp > 0) most = std::max(most, rows * width * (settings_.mlp + 1));
    if (backward) {
      scratch = std::max(scratch, most + (all ? n * width : 0));
    } else if (all) {  // a core takes some of what it takes backwards
      scratch = std::max(scratch, mixer.scratch / 4);
    }
  };
  const std::int64_t segment = segment_tokens(tokens);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const Block& block = blocks_[layer];
    const bool all = layer + 1 < blocks_.size();
    const bool by_table = folded && layer == 0;
    size += block.mixer->carry_size(tokens, all, by_table) / (backward ? 1 : 2) +
            2 * std::max<std::int64_t>(taps - 1, 0) * width;
    if (!all) {
      add(block, tokens, scored, false);
      continue;
    }
    // Going forward only, the tapes of a segment make room for those of the next.
    for (std::int64_t first = 0; first < (backward ? tokens : 1); first += segment) {
      const std::int64_t n = std::min(segment, tokens - first);
      add(block, n, n, true);
    }
  }
  return size + scratch + scored * (4 * width + vocab_);
}

template class SequenceModel<float>;
template class SequenceModel<double>;

}  // namespace recollect
