#include "models/sequence_model.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/mlp.hpp"
#include "models/layers/short_convolution.hpp"
#include "models/mixers/projections.hpp"
#include "models/mixers/registry.hpp"

namespace recollect {

template <class S>
struct SequenceModel<S>::Block {
  std::optional<ShortConvolution> convolution;
  std::unique_ptr<Mixer<S>> mixer;
  Linear out;
  LayerNorm norm;
  std::optional<Mlp> mlp;
  LayerNorm mlp_norm;
};

/// What a layer leaves for its backward pass. R rows where the layer's output is read; the norm
/// before a pre-norm mixer has T.
template <class S>
struct SequenceModel<S>::BlockTape {
  S* x = nullptr;      ///< (T, D) input
  S* z = nullptr;      ///< (T, D) what the convolution reads
  S* u = nullptr;      ///< (T, D) what the mixer reads
  S* mixed = nullptr;  ///< (R, D) what the mixer gives
  const typename Mixer<S>::Tape* mixer = nullptr;
  S* normal = nullptr;  ///< of the norm
  S* inverse_sd = nullptr;
  S* middle = nullptr;  ///< (R, D) after the mixer's half of the layer
  S* mlp_in = nullptr;  ///< (R, D)
  const Mlp::Tape<S>* mlp = nullptr;
  S* mlp_normal = nullptr;
  S* mlp_inverse_sd = nullptr;
  S* out = nullptr;  ///< (R, D)
};

template <class S>
SequenceModel<S>::SequenceModel(const ModelSettings& settings, const std::string& variant,
                                std::int64_t vocab, std::int64_t train_length, std::int64_t levels)
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
    block.mixer = entry->make<S>(MixerContext{settings, levels, prefix}, layout_);
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
  weights_.assign(static_cast<std::size_t>(layout_.size()), S(0));
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
  return static_cast<std::size_t>(layout_.size() + table);
}

template <class S>
void SequenceModel<S>::begin_step(std::int64_t longest, std::int64_t tokens) {
  for (Block& block : blocks_) block.mixer->prepare(longest);
  tabulated_ = nullptr;
  if (!can_tabulate() || tokens < 2 * vocab_) return;
  table_room_.clear();
  const S* theta = weights_.data();
  const Block& first = blocks_.front();
  Tabulated made{theta + embedding_.weight.offset, nullptr, nullptr, nullptr};
  if (settings_.norm == Norm::kPre) {
    View<S> normal = table_room_.matrix(vocab_, settings_.width);
    View<S> u = table_room_.matrix(vocab_, settings_.width);
    S* inverse_sd = table_room_.take(vocab_);
    first.norm.forward(theta, embedding_.weight.in(theta), normal, inverse_sd, u);
    made = Tabulated{u.data(), normal.data(), inverse_sd, nullptr};
  }
  made.table = first.mixer->tabulate(theta, view<S>(made.u, vocab_, settings_.width), table_room_);
  tabulated_ = table_room_.record(made);
}

template <class S>
void SequenceModel<S>::end_step(std::span<S> gradient) {
  if (tabulated_ == nullptr) return;
  const S* theta = weights_.data();
  const Block& first = blocks_.front();
  View<S> du = table_room_.matrix(vocab_, settings_.width);
  first.mixer->tabulate_backward(theta, gradient.data(),
                                 view<S>(tabulated_->u, vocab_, settings_.width), tabulated_->table,
                                 gradient.data() + layout_.size(), du, table_room_);
  if (tabulated_->normal != nullptr) {
    first.norm.backward(theta, gradient.data(),
                        view<S>(tabulated_->normal, vocab_, settings_.width),
                        tabulated_->inverse_sd, constant(du), du);
  }
  embedding_.weight.in(gradient.data()) += du;
  tabulated_ = nullptr;
  table_room_.clear();
}

/// One sequence on its way through the layers.
template <class S>
struct SequenceModel<S>::Pass {
  const SequenceInput& input;
  std::span<const std::int32_t> everything;  ///< 0..T-1
  std::optional<Lookup<S>> table;
  std::size_t layers;
  S* x;  ///< (T, D) what the first layer reads

  [[nodiscard]] Index tokens() const { return static_cast<Index>(everything.size()); }
  /// Where somebody reads a layer's output: the last one's at the scored positions alone.
  [[nodiscard]] Rows rows(std::size_t layer) const {
    return layer + 1 == layers ? Rows{input.positions, false} : Rows{everything, true};
  }
  [[nodiscard]] const Lookup<S>* lookup(std::size_t layer) const {
    return layer == 0 && table ? &*table : nullptr;
  }
};

/// What stands between the last layer and the logits, (R, D).
template <class S>
struct SequenceModel<S>::ReadOut {
  View<S> normal;
  S* inverse_sd;
  View<S> final;
};

template <class S>
auto SequenceModel<S>::begin(const SequenceInput& input, S* gradient, Workspace<S>& workspace) const
    -> Pass {
  const auto tokens = static_cast<Index>(input.ids.size());
  if (positions_ && tokens > positions_->weight.rows) {
    throw ConfigError(fmt::format("a sequence of {} tokens is longer than the {} learned positions",
                                  tokens, positions_->weight.rows));
  }
  auto* everything = workspace.template array<std::int32_t>(tokens);
  std::iota(everything, everything + tokens, 0);
  View<S> x = workspace.matrix(tokens, settings_.width);
  embedding_.forward<S>(weights_.data(), input.ids, x);
  if (positions_) positions_->forward<S>(weights_.data(), x);
  Pass pass{input, {everything, input.ids.size()}, std::nullopt, blocks_.size(), x.data()};
  if (tabulated_ != nullptr) {
    pass.table = Lookup<S>{tabulated_->table, input.ids,
                           gradient == nullptr ? nullptr : gradient + layout_.size()};
  }
  return pass;
}

template <class S>
auto SequenceModel<S>::read_out(S* last, View<S> logits, Workspace<S>& workspace) const -> ReadOut {
  const Index scored = logits.rows();
  const Index width = settings_.width;
  const ReadOut out{workspace.matrix(scored, width), workspace.take(scored),
                    workspace.matrix(scored, width)};
  final_norm_.forward<S>(weights_.data(), constant(view(last, scored, width)), out.normal,
                         out.inverse_sd, out.final);
  head_.forward<S>(weights_.data(), constant(out.final), logits);
  return out;
}

template <class S>
auto SequenceModel<S>::block_forward(const Block& block, S* x_data, const Lookup<S>* lookup,
                                     const Rows& rows, Index tokens, Workspace<S>& workspace) const
    -> const BlockTape* {
  const Index width = settings_.width;
  const Index count = rows.count();
  const S* theta = weights_.data();
  const bool pre = settings_.norm == Norm::kPre;
  const auto full = [&](S* data) { return view(data, tokens, width); };
  const auto some = [&](S* data) { return view(data, count, width); };
  BlockTape tape;
  tape.x = x_data;
  tape.z = x_data;
  if (pre && lookup == nullptr) {
    tape.normal = workspace.take(tokens * width);
    tape.inverse_sd = workspace.take(tokens);
    tape.z = workspace.take(tokens * width);
    block.norm.forward(theta, constant(full(tape.x)), full(tape.normal), tape.inverse_sd,
                       full(tape.z));
  }
  tape.u = tape.z;
  if (block.convolution) {
    tape.u = workspace.take(tokens * width);
    block.convolution->forward(theta, constant(full(tape.z)), full(tape.u));
  }
  tape.mixed = workspace.take(count * width);
  tape.mixer = block.mixer->forward(theta, constant(full(tape.u)), lookup, rows, some(tape.mixed),
                                    workspace);

  View<S> sum = workspace.matrix(count, width);
  block.out.forward(theta, constant(some(tape.mixed)), sum);
  if (rows.all) {
    sum += full(tape.x);
  } else {
    for (Index r = 0; r < count; ++r) {
      sum.row(r) += full(tape.x).row(rows.positions[static_cast<std::size_t>(r)]);
    }
  }
  tape.middle = sum.data();
  if (!pre) {
    tape.normal = sum.data();  // the sum itself is not needed again
    tape.inverse_sd = workspace.take(count);
    tape.middle = workspace.take(count * width);
    block.norm.forward(theta, constant(sum), sum, tape.inverse_sd, some(tape.middle));
  }
  tape.out = tape.middle;
  if (block.mlp) {
    tape.mlp_in = tape.middle;
    if (pre) {
      tape.mlp_normal = workspace.take(count * width);
      tape.mlp_inverse_sd = workspace.take(count);
      tape.mlp_in = workspace.take(count * width);
      block.mlp_norm.forward(theta, constant(some(tape.middle)), some(tape.mlp_normal),
                             tape.mlp_inverse_sd, some(tape.mlp_in));
    }
    View<S> mlp_out = workspace.matrix(count, width);
    tape.mlp = workspace.record(
        block.mlp->forward(theta, constant(some(tape.mlp_in)), mlp_out, workspace));
    mlp_out += some(tape.middle);
    tape.out = mlp_out.data();
    if (!pre) {
      tape.mlp_normal = mlp_out.data();
      tape.mlp_inverse_sd = workspace.take(count);
      tape.out = workspace.take(count * width);
      block.mlp_norm.forward(theta, constant(mlp_out), mlp_out, tape.mlp_inverse_sd,
                             some(tape.out));
    }
  }
  return workspace.record(tape);
}

template <class S>
void SequenceModel<S>::block_backward(const Block& block, const BlockTape& tape,
                                      const Lookup<S>* lookup, const Rows& rows, Index tokens,
                                      S* d_out_data, S* dx_data, S* gradient,
                                      Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Index width = settings_.width;
  const Index count = rows.count();
  const S* theta = weights_.data();
  const bool pre = settings_.norm == Norm::kPre;
  const auto full = [&](S* data) { return view(data, tokens, width); };
  const auto some = [&](S* data) { return view(data, count, width); };
  View<S> d_middle = some(d_out_data);
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
  View<S> d_mixed = workspace.matrix(count, width);
  View<S> du = block.convolution ? workspace.matrix(tokens, width) : dx;
  block.out.backward(theta, gradient, constant(some(tape.mixed)), constant(d_middle), d_mixed,
                     Write::kOverwrite);
  block.mixer->backward(theta, gradient, constant(full(tape.u)), lookup, rows, tape.mixer,
                        constant(d_mixed), du, workspace);
  if (lookup != nullptr) {
    dx.setZero();  // the way through the mixer ends at the table
  } else if (block.convolution) {
    block.convolution->backward(theta, gradient, constant(full(tape.z)), constant(du), dx);
  }
  if (pre && lookup == nullptr) {
    block.norm.backward(theta, gradient, constant(full(tape.normal)), tape.inverse_sd, constant(dx),
                        dx);
  }
  scatter_rows<S>(rows, constant(d_middle), dx);
}

template <class S>
SequenceOutcome SequenceModel<S>::forward(const SequenceInput& input, Workspace<S>& workspace,
                                          View<S> logits) const {
  const typename Workspace<S>::Scope scope(workspace);
  const Pass pass = begin(input, nullptr, workspace);
  View<S> x = view(pass.x, pass.tokens(), settings_.width);
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const typename Workspace<S>::Scope layer_scope(workspace);
    const Rows rows = pass.rows(layer);
    const BlockTape* tape =
        block_forward(blocks_[layer], pass.x, pass.lookup(layer), rows, pass.tokens(), workspace);
    x.topRows(rows.count()) = view(tape->out, rows.count(), settings_.width);
  }
  (void)read_out(pass.x, logits, workspace);

  View<S> copy = workspace.matrix(logits.rows(), vocab_);
  copy = logits;
  const auto outcome = cross_entropy<S>(input.labels, S(0), copy);
  return SequenceOutcome{outcome.loss, outcome.correct};
}

template <class S>
SequenceOutcome SequenceModel<S>::forward_backward(const SequenceInput& input, S loss_scale,
                                                   Workspace<S>& workspace,
                                                   std::span<S> gradient_span) const {
  const typename Workspace<S>::Scope scope(workspace);
  S* gradient = gradient_span.data();
  const Pass pass = begin(input, gradient, workspace);
  const Index tokens = pass.tokens();
  const auto scored = static_cast<Index>(input.positions.size());
  const Index width = settings_.width;
  const S* theta = weights_.data();

  auto** tapes = workspace.template array<const BlockTape*>(static_cast<Index>(blocks_.size()));
  S* last = pass.x;
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    tapes[layer] = block_forward(blocks_[layer], last, pass.lookup(layer), pass.rows(layer), tokens,
                                 workspace);
    last = tapes[layer]->out;
  }
  View<S> logits = workspace.matrix(scored, vocab_);
  const ReadOut out = read_out(last, logits, workspace);
  const auto outcome = cross_entropy<S>(input.labels, loss_scale, logits);

  S* from = workspace.take(tokens * width);
  S* to = workspace.take(tokens * width);
  View<S> d_last = view(from, scored, width);
  head_.backward<S>(theta, gradient, constant(out.final), constant(logits), d_last,
                    Write::kOverwrite);
  final_norm_.backward<S>(theta, gradient, constant(out.normal), out.inverse_sd, constant(d_last),
                          d_last);
  for (std::size_t layer = blocks_.size(); layer-- > 0;) {
    block_backward(blocks_[layer], *tapes[layer], pass.lookup(layer), pass.rows(layer), tokens,
                   from, to, gradient, workspace);
    std::swap(from, to);
  }
  const ConstView<S> d_embedded = constant(view(from, tokens, width));
  embedding_.backward<S>(gradient, input.ids, d_embedded);
  if (positions_) positions_->backward<S>(gradient, d_embedded);
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
  const std::int64_t width = settings_.width;
  const bool pre = settings_.norm == Norm::kPre;
  std::int64_t size = 3 * tokens * width + tokens;  // x, its two gradients, and the positions
  std::int64_t scratch = 0;
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    const bool all = layer + 1 < blocks_.size();
    const std::int64_t rows = all ? tokens : scored;
    const Footprint mixer = blocks_[layer].mixer->footprint(tokens, rows, all);
    size += mixer.tape + 2 * rows * width + (pre ? 2 * tokens : rows) * width;
    if (settings_.short_conv > 0) size += tokens * width;
    if (settings_.mlp > 0) size += rows * width * (3 * settings_.mlp + (pre ? 3 : 2));
    scratch =
        std::max(scratch, mixer.scratch + (rows + (settings_.short_conv > 0 ? tokens : 0)) * width);
    if (settings_.mlp > 0) scratch = std::max(scratch, rows * width * (settings_.mlp + 1));
  }
  return size + scratch + scored * (2 * width + vocab_);
}

template class SequenceModel<float>;
template class SequenceModel<double>;

}  // namespace recollect
