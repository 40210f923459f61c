#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "models/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"
#include "models/shortcuts/first_layer.hpp"
#include "models/tape/tape.hpp"

namespace recollect {

/// A mixer whose author writes the forward pass alone: run(), from the layer's input u to what is
/// added to the residual stream, in operations of models/tape. The backward pass is the tape's, and
/// what both cost is learnt by a rehearsal.
template <class S>
class TapeMixer : public Mixer<S> {
 public:
  using typename Mixer<S>::Tape;
  using typename Mixer<S>::Carry;

  /// A first layer's products of u, made once a step for every row that u may have.
  struct Lookup {
    tape::Var<S> all;                   ///< (V, D + C) the rows of u, then their products
    std::span<const std::int32_t> ids;  ///< (n) the row of each token
    const std::vector<Tensor>& tensors;

    /// The product of u with a tensor; empty where it is not among them.
    [[nodiscard]] tape::Var<S> product(tape::Tape<S>& tape, const Tensor& tensor) const;
  };

  /// What run() reads of a segment.
  struct Segment {
    tape::Tape<S>& tape;
    const S* theta;
    tape::Var<S> u;          ///< (n, D)
    const Queries& queries;  ///< the rows at which the output is read
    Carry* carry;            ///< what begin_states() made
    bool rehearsal = false;  ///< run on zeros to learn what is taken; begin_step() was not called

    const Lookup* lookup = nullptr;  ///< of a first layer that sees token ids alone

    [[nodiscard]] tape::Var<S> parameter(const Tensor& tensor) const {
      return tape.parameter(theta, tensor);
    }
    /// u W^T, W a tensor of the model. One that tabulate() was given is looked up where it can
    /// be.
    [[nodiscard]] tape::Var<S> project(const Tensor& tensor) const;
  };

  void begin_step(const S* theta, const StepShape& step) override { (void)theta, (void)step; }
  [[nodiscard]] Carry* begin(const SequenceShape& shape, Workspace<S>& workspace) const final;
  [[nodiscard]] const Tape* forward(const S* theta, ConstView<S> u, const Queries& queries,
                                    Carry* carry, View<S> y, Workspace<S>& workspace) const final;
  void backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                const Tape* tape, Carry* carry, ConstView<S> dy, View<S> du,
                Workspace<S>& workspace) const final;

  /// Of sequences longer than kRehearsed it is reckoned from one of that length: what a token takes
  /// grows with the number of levels alone.
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept final;

  [[nodiscard]] FirstLayer<S>* first_layer() noexcept final { return table_.get(); }

  [[nodiscard]] MixerView<S> inspect(const Tape* tape) const final;

 protected:
  static constexpr std::int64_t kRehearsed = 1024;

  explicit TapeMixer(Index width) : width_(width) {}
  /// Called once all tensors of the mixer have been asked for.
  void declared(const ParameterLayout& layout) noexcept { tensors_ = layout.size(); }

  /// Lists of tensors as tabulate() takes them, one after another.
  [[nodiscard]] static std::vector<Tensor> joined(std::vector<Tensor> some,
                                                  const std::vector<Tensor>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  }
  /// Names the tensors that run() multiplies u with through Segment::project(): a first layer that
  /// sees token ids alone makes these products once a step, for the rows of the vocabulary.
  void tabulate(const LayerContext& context, std::vector<Tensor> tensors);

  /// The output (R, D) at the queries.
  [[nodiscard]] virtual tape::Var<S> run(const Segment& segment) const = 0;
  /// What the segments of a sequence share. A mixer that says chunk() and keeps states here runs by
  /// segments; else every sequence is one.
  [[nodiscard]] virtual Carry* begin_states(const SequenceShape& shape,
                                            Workspace<S>& workspace) const;
  [[nodiscard]] Index chunk() const noexcept override { return Index{1} << 30; }
  /// What `recollect inspect` shows of the segment that run() saw last. @param workspace  for what
  /// has to be laid out anew
  [[nodiscard]] virtual MixerView<S> view_of(const Carry* carry, Workspace<S>& workspace) const {
    (void)carry, (void)workspace;
    return {};
  }

  /// Multiply-adds of run() that its operations do not count, because they are not in proportion to
  /// the tokens: a rehearsal could not tell those of a longer sequence.
  [[nodiscard]] virtual double uncounted_multiply_adds(const SequenceShape& shape) const noexcept {
    (void)shape;
    return 0.0;
  }
  /// Elements that decoding must keep after so many tokens; and the most after any of 1..tokens.
  [[nodiscard]] virtual std::int64_t state(std::int64_t tokens) const noexcept = 0;
  [[nodiscard]] virtual std::int64_t state_peak(std::int64_t tokens) const noexcept {
    return state(tokens);
  }

 private:
  class Table;
  struct Started : Carry {
    bool backward;
    Carry* own;                   ///< what begin_states() made
    S* table_gradient = nullptr;  ///< of a first layer
  };
  struct Kept : Tape {
    tape::Tape<S> tape;
    tape::Var<S> from;  ///< u, or of a first layer the table
    tape::Var<S> y;
    Carry* own;
  };
  struct Taken {
    double multiply_adds = 0.0;
    std::int64_t carry = 0, tape = 0, scratch = 0;
    std::int64_t first_tape = 0;  ///< of the first segment
  };

  [[nodiscard]] Taken rehearse(const SequenceShape& shape) const;
  /// The same, learnt once.
  [[nodiscard]] Taken taken(const SequenceShape& shape) const;

  std::unique_ptr<FirstLayer<S>> table_;
  Index width_;
  Index tensors_ = 0;  ///< elements of weights up to the last of the mixer's
  mutable std::mutex guard_;
  mutable std::map<std::array<std::int64_t, 3>, Taken> known_;
};

}  // namespace recollect
