#pragma once

#include <cstdint>

#include "models/mixer.hpp"
#include "models/tape/tape.hpp"

namespace recollect {

/// Causal softmax attention of all heads over the last `window` keys (0: all), as one operation of
/// the tape: models/attention/softmax_attention.hpp forwards and backwards.
template <class S>
class SoftmaxHeads {
 public:
  struct Shape {
    Index heads;
    Index key_width;
    Index value_width;
    Index window;
  };
  /// Keys and values that segments hand on. Where a backward pass will follow, or every token sees
  /// all before it, those of the whole sequence; else the last window - 1 rows.
  struct Carry {
    bool whole = true;
    Index kept = 0;  ///< rows, where not whole
    S* k = nullptr;
    S* v = nullptr;
    S* dk = nullptr;
    S* dv = nullptr;
  };

  explicit SoftmaxHeads(const Shape& shape) : shape_(shape) {}

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  /// 1 / sqrt(dk), of the scores.
  [[nodiscard]] S scale() const;
  [[nodiscard]] Carry* begin(const SequenceShape& shape, Workspace<S>& workspace) const;
  /// y (R, H dv) from q (R, H dk) at the queries, k (n, H dk) and v (n, H dv) of the segment. This
  /// object, the carry and what the queries point to outlive the tape.
  [[nodiscard]] tape::Var<S> run(tape::Tape<S>& tape, const tape::Var<S>& q, const tape::Var<S>& k,
                                 const tape::Var<S>& v, const Queries& queries, Carry& carry) const;

  /// Of run() over a sequence: one product for the scores and one for the values. The tape does not
  /// count them, as they grow with the square of T.
  [[nodiscard]] double multiply_adds(const SequenceShape& shape) const noexcept;
  /// Elements of keys and values that decoding must keep.
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept;

 private:
  struct Keys;
  /// The keys that the segment's tokens attend to: their own and those carried over from earlier
  /// segments.
  [[nodiscard]] Keys keys_of(const tape::Var<S>& k, const tape::Var<S>& v, const Queries& queries,
                             Carry& carry, Workspace<S>& workspace) const;

  Shape shape_;
};

}  // namespace recollect
