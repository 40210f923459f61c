#pragma once

#include <cstdint>
#include <span>

#include "math/view.hpp"
#include "math/workspace.hpp"

namespace recollect {

/// The tokens at which a layer's output is read: all tokens of a segment, or, in the last layer,
/// the scored positions of the whole sequence.
struct Queries {
  std::span<const std::int32_t> positions;  ///< (R) in the sequence, ascending
  bool all = true;
  [[nodiscard]] Index count() const noexcept { return static_cast<Index>(positions.size()); }
  /// Position of the first token of the segment.
  [[nodiscard]] Index first() const noexcept { return all ? positions.front() : 0; }
};

/// What is known of a sequence before it runs.
struct SequenceShape {
  std::int64_t tokens = 0;   ///< T
  std::int64_t queries = 0;  ///< R; T where every token's output is read
  bool backward = false;     ///< backward() will follow
  /// The sequence comes in segments; else as one.
  [[nodiscard]] bool all() const noexcept { return queries == tokens; }
};

/// What is known of a step before its sequences run.
struct StepShape {
  std::int64_t longest = 0;  ///< tokens of the longest sequence
  std::int64_t tokens = 0;  ///< of all sequences together; 0: unknown, and nothing is made for them
  int threads = 1;          ///< no bit of any result depends on it
};

/// What a layer costs on a sequence. Sizes are in elements, and bounds: never below what is used,
/// and within 1.5 of it for the whole model.
struct Cost {
  double multiply_adds = 0.0;   ///< nominal, of forward(): whatever shortcuts save
  std::int64_t state = 0;       ///< what decoding must keep after these tokens
  std::int64_t state_peak = 0;  ///< the largest `state` of 1..tokens
  std::int64_t carry = 0;       ///< begin()
  std::int64_t tape = 0;        ///< what forward() leaves for backward(), of all segments together
  std::int64_t scratch = 0;     ///< what forward() or backward() takes while it runs
};

template <class S>
class FirstLayer;

/// Of what the weights are made with which a token reads the tokens before it.
enum class AttentionKind {
  kNone,     ///< the mixer reports none
  kLinear,   ///< lambda[level(t, s)] exp(g_{s+1} + ... + g_t) (q_t . k_s); without levels lambda is
             ///< 1
  kDelta,    ///< the same with row t of tril(Q K^T) (I + A)^-1 diag(beta) in place of q_t . k_s,
             ///< A[t,s] = beta_t k_t . k_s below the diagonal
  kSoftmax,  ///< softmax over s <= t, or the last `window` of them, of scale q_t . k_s
};

/// What a mixer shows of a sequence of T tokens to people who look into a model: what it has, all
/// else as it stands here. Views into its tape.
template <class S>
struct MixerView {
  Index heads = 0;           ///< H; 0: it shows nothing
  ConstView<S> lambda = {};  ///< (T, H L) weights of levels; no columns: it has none
  const S* gate = nullptr;   ///< (H, T) log of the decay from t - 1 to t; null: no decay
  const S* beta = nullptr;   ///< (H, T) how strongly a token is written; null: as it is
  AttentionKind attention = AttentionKind::kNone;
  ConstView<S> q = {};  ///< (T, H dk), unless there is no attention
  ConstView<S> k = {};  ///< (T, H dk), the same
  S scale = 1;          ///< of the softmax's argument
  Index window = 0;     ///< keys that a token sees by softmax, itself included; 0: all before it
};

/// A causal sequence mixer, what the papers call a variant: everything between a layer's input u
/// and the residual stream, its output projection W_o included. Row t of the output reads rows 0..t
/// of the input only. S is float to train, double to check.
///
/// A sequence comes in segments of consecutive tokens, from the first to the last, and backwards
/// from the last to the first, so that a segment's activations stay in the cache from one layer to
/// the next. Every segment but the last is a multiple of chunk() tokens. What flows between
/// segments lives in the carry. Where only some tokens are queried (Queries::all is false), the
/// sequence is one segment.
///
/// A mixer holds no weights: `theta` and `gradient` are the model's flat buffers. It is shared by
/// all threads; what a pass needs lives in the caller's workspace.
template <class S>
class Mixer {
 public:
  virtual ~Mixer() = default;

  /// What forward() leaves for backward(); each mixer extends it. Lives in the workspace.
  struct Tape {};
  /// What the segments of one sequence share; each mixer extends it. Lives in the workspace.
  struct Carry {};

  /// Segments hold a multiple of so many tokens, the last one excepted; a power of two.
  [[nodiscard]] virtual Index chunk() const noexcept { return 1; }

  /// Called once the weights have changed, before the sequences of a step and not beside them:
  /// packs weights, makes tables.
  virtual void begin_step(const S* theta, const StepShape& step) = 0;

  /// Begins a sequence. Without a backward pass memory grows like log T only, except where the
  /// mixer itself keeps every token.
  [[nodiscard]] virtual Carry* begin(const SequenceShape& shape, Workspace<S>& workspace) const = 0;

  /// y (R, D) = the mixer's output at `queries`, overwritten; u (n, D) the segment's input.
  [[nodiscard]] virtual const Tape* forward(const S* theta, ConstView<S> u, const Queries& queries,
                                            Carry* carry, View<S> y,
                                            Workspace<S>& workspace) const = 0;

  /// du (n, D) is overwritten; `gradient` is accumulated. dy (R, D) belongs to forward()'s y.
  virtual void backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                        const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                        Workspace<S>& workspace) const = 0;

  [[nodiscard]] virtual Cost cost(const SequenceShape& shape) const noexcept = 0;

  /// The one optional shortcut: this mixer as a first layer, which sees token ids alone. Null:
  /// none.
  [[nodiscard]] virtual FirstLayer<S>* first_layer() noexcept { return nullptr; }

  /// What `recollect inspect` shows, by default nothing. `tape` is that of a forward pass of all
  /// tokens as one segment; training and scoring never ask.
  [[nodiscard]] virtual MixerView<S> inspect(const Tape* tape) const {
    (void)tape;
    return {};
  }
};

}  // namespace recollect
