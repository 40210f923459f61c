#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "math/buffer.hpp"
#include "math/view.hpp"
#include "math/workspace.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/linear.hpp"
#include "models/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

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
};

/// The sequence model: embedding, layers of mixer (and MLP block), final norm, head.
///   x = E[ids] (+ P[position]);  layers;  logits = W_head LN(x)
/// Holds the layout and the weights; gradients and activations belong to the caller, so any number
/// of threads may run sequences of a step at once:
///   begin_step();  sequences, many in parallel;  the caller adds up their gradients;  end_step().
template <class S>
class SequenceModel {
 public:
  /// @param levels  L, the levels that the model has weights for
  /// @param with_weights  false: layout and sizes alone, to learn what a model would take
  SequenceModel(const ModelSettings& settings, const std::string& variant, std::int64_t vocab,
                std::int64_t train_length, std::int64_t levels, bool with_weights = true);
  ~SequenceModel();
  SequenceModel(SequenceModel&&) noexcept;
  SequenceModel& operator=(SequenceModel&&) noexcept;

  [[nodiscard]] const ParameterLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::span<S> parameters() noexcept { return weights_; }
  [[nodiscard]] std::span<const S> parameters() const noexcept { return weights_; }
  [[nodiscard]] std::int64_t vocab() const noexcept { return vocab_; }

  /// Fills the weights from the streams of `seed`.
  void initialise(std::uint64_t seed);

  /// Prepares what all sequences share, for sequences of up to `longest` tokens. To be called once
  /// the weights have changed, and before sequences run. `tokens` is how many the sequences of the
  /// step have in all: where the first layer reads nothing but E[id], and there are clearly more
  /// tokens than rows of E, what these rows determine is tabulated (see Lookup). That is exact.
  /// Both have the same bits for any number of threads.
  void begin_step(std::int64_t longest, std::int64_t tokens = 0, int threads = 1);

  /// Turns gradients of the table into gradients of weights, once those of all sequences are added
  /// up. To be called at the end of a step whose begin_step() was given `tokens`.
  void end_step(std::span<S> gradient, int threads = 1);

  /// Length of the gradient that sequences accumulate: the weights', then room for the table's.
  [[nodiscard]] std::size_t gradient_size() const noexcept;

  /// Logits at the scored positions, (R, V), written to `logits`. No gradient.
  SequenceOutcome forward(const SequenceInput& input, Workspace<S>& workspace,
                          View<S> logits) const;

  /// The same for a sequence of any length in the memory of its states: all layers run segment by
  /// segment, and nothing of a segment is kept but the states, whose number grows like log T;
  /// beside them stand one position a token and the angles of rotary positions. Where a mixer has
  /// no such state (full-quadratic), memory still grows like T. Slower than forward(), whose last
  /// layer is cheap because it looks at the scored positions alone.
  SequenceOutcome stream(const SequenceInput& input, Workspace<S>& workspace, View<S> logits) const;

  /// Forward and backward of one sequence. `gradient`, of gradient_size() numbers that begin
  /// with those laid out as parameters(), is accumulated (+=) with loss_scale times the gradient of
  /// the summed loss.
  SequenceOutcome forward_backward(const SequenceInput& input, S loss_scale,
                                   Workspace<S>& workspace, std::span<S> gradient) const;

  /// Numbers that decoding must keep after `tokens` tokens, over all layers and heads.
  [[nodiscard]] std::int64_t state_size(std::int64_t tokens) const noexcept;
  /// The largest state_size() of 1..tokens.
  [[nodiscard]] std::int64_t state_size_peak(std::int64_t tokens) const noexcept;

  /// Nominal multiply-adds of one sequence's forward pass with `scored` scored positions.
  [[nodiscard]] double nominal_multiply_adds(std::int64_t tokens,
                                             std::int64_t scored) const noexcept;

  /// Numbers that a workspace holds at most for forward_backward() of one sequence; an estimate.
  [[nodiscard]] std::int64_t workspace_size(std::int64_t tokens,
                                            std::int64_t scored) const noexcept;
  /// The same for forward(), which is less sharp.
  [[nodiscard]] std::int64_t forward_workspace_size(std::int64_t tokens,
                                                    std::int64_t scored) const noexcept;

 private:
  struct Block;
  struct BlockTape;
  struct BlockCarry;
  struct Tabulated;
  struct Pass;
  struct Segment;
  struct ReadOut;

  /// @param x  (n, D); null where the layer looks everything up, what it adds to included
  [[nodiscard]] const BlockTape* block_forward(const Block& block, const BlockCarry& carry, S* x,
                                               const Lookup<S>* lookup, const Rows& rows,
                                               Index tokens, S* out, Workspace<S>& workspace) const;
  /// d_out (R, D) is changed, dx (n, D) overwritten. @returns where the gradient of x is: dx, or
  /// d_out if that is all there is to it
  [[nodiscard]] S* block_backward(const Block& block, const BlockTape& tape,
                                  const BlockCarry& carry, const Lookup<S>* lookup,
                                  const Rows& rows, Index tokens, S* d_out, S* dx, S* gradient,
                                  Workspace<S>& workspace) const;
  [[nodiscard]] Pass begin(const SequenceInput& input, S* gradient, bool stream,
                           Workspace<S>& workspace) const;
  [[nodiscard]] Segment segment(const Pass& pass, Index index) const;
  /// Embedding and inner layers of one segment; the last of them writes to `out` (n, D).
  void segment_forward(const Pass& pass, const Segment& segment, S* out, const BlockTape** tapes,
                       Workspace<S>& workspace) const;
  /// d_out (n, D) is changed.
  void segment_backward(const Pass& pass, const Segment& segment, const BlockTape* const* tapes,
                        S* d_out, S* gradient, Workspace<S>& workspace) const;
  [[nodiscard]] Index segment_tokens(std::int64_t tokens) const noexcept;
  /// The larger of what a sequence takes with and without a table that reaches through W_o.
  [[nodiscard]] std::int64_t workspace_size(std::int64_t tokens, std::int64_t scored,
                                            bool backward) const noexcept;
  [[nodiscard]] std::int64_t workspace_size(std::int64_t tokens, std::int64_t scored, bool backward,
                                            bool folded) const noexcept;
  [[nodiscard]] SequenceOutcome outcome_of(std::span<const std::int32_t> labels, View<S> logits,
                                           Workspace<S>& workspace) const;
  [[nodiscard]] ReadOut read_out(S* last, View<S> logits, Workspace<S>& workspace) const;
  [[nodiscard]] bool can_tabulate() const noexcept;
  /// Where the gradients of the table begin, behind those of the weights.
  [[nodiscard]] Index table_offset() const noexcept;
  /// What the convolutions remember after `tokens` tokens.
  [[nodiscard]] std::int64_t convolution_state(std::int64_t tokens) const noexcept;

  ModelSettings settings_;
  std::int64_t vocab_ = 0;
  ParameterLayout layout_;
  Buffer<S> weights_;
  Embedding embedding_;
  std::optional<Positions> positions_;
  std::vector<Block> blocks_;
  LayerNorm final_norm_;
  Linear head_;
  TurnedLinear<S> head_turned_;
  Workspace<S> table_room_;
  Tabulated* tabulated_ = nullptr;  // in table_room_; null: not this step
};

}  // namespace recollect
