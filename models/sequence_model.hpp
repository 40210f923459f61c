#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "math/buffer.hpp"
#include "math/workspace.hpp"
#include "models/block.hpp"
#include "models/embedding_table.hpp"
#include "models/layer_inspection.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/dropout.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/linear.hpp"
#include "models/mixer_settings.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// What one sequence contributed to a batch.
struct SequenceOutcome {
  double loss = 0.0;         ///< summed over the scored positions, nats
  std::int64_t correct = 0;  ///< scored positions whose largest logit is the label's
};

/// One example, as the model sees it.
struct SequenceInput {
  std::span<const std::int32_t> ids;        ///< (T)
  std::span<const std::int32_t> positions;  ///< (R) ascending; logits exist there alone
  std::span<const std::int32_t> labels;     ///< (R)
  /// Of a training step: forward_backward() then leaves out numbers of the embedding where the
  /// model has embedding_dropout, and without it none. Nothing else reads it.
  std::optional<DropoutDraw> dropout = {};
};

/// What a model is made of, beside the data's sizes.
struct ModelSpec {
  const ModelSettings& model;
  const MixerSettings& mixer;  ///< of every layer
  Execution execution = {};
  /// Where layers differ: the mixer of each, in place of `mixer`.
  std::span<const std::shared_ptr<const MixerSettings>> layers = {};
};

/// The sequence model: embedding, layers, final norm, head.
///   x = E[ids] (+ P[position]);  layers (Block);  logits = W_head LN(x), or E LN(x) (tied_head)
/// Holds the layout and the weights; gradients and activations belong to the caller, so any number
/// of threads may run sequences of a step at once:
///   begin_step();  sequences, many in parallel;  the caller adds up their gradients;  end_step().
///
/// Layers see a sequence segment by segment; but where only some positions are scored, the last
/// one, which needs so little of it, sees it at once.
template <class S>
class SequenceModel {
 public:
  /// @param levels  L, the levels that the model has weights for
  /// @param with_weights  false: layout and sizes alone, to learn what a model would take
  SequenceModel(const ModelSpec& spec, std::int64_t vocab, std::int64_t train_length,
                std::int64_t levels, bool with_weights = true);

  [[nodiscard]] const ParameterLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::span<S> parameters() noexcept { return weights_; }
  [[nodiscard]] std::span<const S> parameters() const noexcept { return weights_; }
  [[nodiscard]] std::int64_t vocab() const noexcept { return vocab_; }

  /// Fills the weights from the streams of `seed`.
  void initialise(std::uint64_t seed);

  /// Prepares what all sequences share. Called once the weights have changed, and before sequences
  /// run. Where the first layer reads nothing but E[id], and step.tokens are clearly more than
  /// there are rows of E, what these rows determine is tabulated (EmbeddingTable). That is exact.
  void begin_step(const StepShape& step);

  /// Turns gradients of the table into gradients of weights, once those of all sequences are added
  /// up. Called at the end of a step whose begin_step() was given `tokens`.
  void end_step(std::span<S> gradient, int threads = 1);

  /// Length of the gradient that sequences accumulate in a step of so many tokens: the weights',
  /// then the table's, if such a step has one.
  [[nodiscard]] std::size_t gradient_size(std::int64_t tokens = 0) const noexcept;

  /// Logits at the scored positions, (R, V), written to `logits`. No gradient.
  SequenceOutcome forward(const SequenceInput& input, Workspace<S>& workspace,
                          View<S> logits) const;

  /// The same for a sequence of any length in the memory of its states: all layers run by segments,
  /// and nothing of a segment is kept but the states, whose number grows like log T; beside them
  /// stand one position a token and the angles of rotary positions. Where a mixer has no such state
  /// (full-quadratic), memory still grows like T. Slower than forward() where few positions are
  /// scored.
  SequenceOutcome stream(const SequenceInput& input, Workspace<S>& workspace, View<S> logits) const;

  /// The same without logits: answers[r] is the id with the largest logit at scored position r, the
  /// first of equals. Logits of a segment's worth of positions exist at once.
  SequenceOutcome score(const SequenceInput& input, Workspace<S>& workspace,
                        std::span<std::int32_t> answers) const;

  /// Forward and backward of one sequence. `gradient`, of the step's gradient_size(), is
  /// accumulated
  /// (+=) with loss_scale times the gradient of the summed loss.
  SequenceOutcome forward_backward(const SequenceInput& input, S loss_scale,
                                   Workspace<S>& workspace, std::span<S> gradient) const;

  /// What every layer shows of a sequence, from the first to the last: all tokens are queried and
  /// each layer sees them at once, by no shortcut, whatever begin_step() prepared. Memory grows
  /// like T.
  [[nodiscard]] std::vector<LayerInspection> inspect(std::span<const std::int32_t> ids,
                                                     Workspace<S>& workspace) const;

  /// What a sequence costs over all layers, embedding and head. `carry`, `tape` and `scratch`
  /// together bound the elements that a workspace holds for it.
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept;

 private:
  struct Pass;
  struct Segment;
  struct ReadOut;

  /// @throws ConfigError where a sequence is longer than the learned positions
  void expect_positions(Index tokens) const;
  [[nodiscard]] Pass begin(const SequenceInput& input, S* gradient, bool stream,
                           Workspace<S>& workspace) const;
  /// Embedding and the layers that run by segments; the last of them writes to `out` (n, D).
  void segment_forward(const Pass& pass, const Segment& segment, S* out,
                       const typename Block<S>::Tape** tapes, Workspace<S>& workspace) const;
  /// d_out (n, D) is changed.
  void segment_backward(const Pass& pass, const Segment& segment,
                        const typename Block<S>::Tape* const* tapes, S* d_out, S* gradient,
                        Workspace<S>& workspace) const;
  [[nodiscard]] SequenceOutcome logits_of(const SequenceInput& input, bool stream,
                                          Workspace<S>& workspace, View<S> logits) const;
  /// Runs forward and calls sink(first scored position, its rows of the last layer's output (m,
  /// D)).
  template <class Sink>
  void run(const SequenceInput& input, bool stream, Workspace<S>& workspace, Sink&& sink) const;
  /// Logits of rows of the last layer's output.
  [[nodiscard]] ReadOut read_out(View<S> last, View<S> logits, Workspace<S>& workspace) const;
  /// From logits to the loss and to the gradient of `last` (m, D), which is overwritten.
  void read_out_backward(View<S> last, std::span<const std::int32_t> labels, S loss_scale,
                         View<S> d_last, S* gradient, CrossEntropy& total,
                         Workspace<S>& workspace) const;
  [[nodiscard]] Index segment_tokens(std::int64_t tokens) const noexcept;
  /// Where the gradients of the table begin, behind those of the weights.
  [[nodiscard]] Index table_offset() const noexcept;
  [[nodiscard]] typename Block<S>::Input input_of(const Pass& pass, std::size_t layer, S* x,
                                                  std::span<const std::int32_t> ids) const;

  ModelSettings settings_;
  Execution execution_;
  std::int64_t vocab_ = 0;
  ParameterLayout layout_;
  Buffer<S> weights_;
  Embedding embedding_;
  std::optional<Positions> positions_;
  std::vector<Block<S>> blocks_;
  RowNorm final_norm_;
  Linear head_;
  PackedLinear<S> head_packed_;
  std::optional<EmbeddingTable<S>> table_;
};

}  // namespace recollect
