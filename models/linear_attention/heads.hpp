#pragma once

#include <cstdint>
#include <span>

#include "models/linear_attention/core.hpp"
#include "models/settings.hpp"

namespace recollect {

/// What the core of all heads reads; head h has its columns of each.
template <class S>
struct HeadInputs {
  ConstView<S> q;       ///< (R, H dk) at the queries
  ConstView<S> k;       ///< (n, H dk); (n, dk) where all heads read the same
  ConstView<S> v;       ///< (n, H dv); (n, dv) where all heads read the same
  const S* g;           ///< (H, n) log of the decay; null: no decay
  ConstView<S> lambda;  ///< (R, H L) weights of the levels; no columns: every weight is 1
  /// Where q, k and v are tables: (n) the row of each token. Else empty.
  std::span<const std::int32_t> ids = {};
};

/// Gradients of HeadInputs's members; all are overwritten, and each head has columns of its own.
template <class S>
struct HeadGradients {
  View<S> q;       ///< (R, H dk)
  View<S> k;       ///< (n, H dk)
  View<S> v;       ///< (n, H dv)
  S* g;            ///< (H, n); null where there is no decay
  View<S> lambda;  ///< (R, H L)
};

/// The log-linear core on each of H heads, in the form that is cheapest for the queries: chunkwise
/// for all tokens, densely at few of them. What a mixer with a core of this kind is built from.
template <class S>
class LogLinearHeads {
 public:
  /// Widths of a head's keys and of its values; L levels, 0 where every level weighs 1.
  struct Shape {
    Index heads;
    Index key_width;
    Index value_width;
    Index levels;
    Index chunk;
    Form form = Form::kFastest;
  };
  explicit LogLinearHeads(const Shape& shape) : shape_(shape) {}

  /// What segments share, and what forward() leaves for backward(); in the workspace.
  struct Carry {
    ChunkStates<S>* states;  ///< (H); unset until the core runs chunkwise
    bool backward;
  };
  struct Tape {
    bool dense;
    typename LogLinearDense<S>::Tape* at_queries;     ///< (H) where dense
    typename LogLinearChunkwise<S>::Tape* chunkwise;  ///< (H) where not
  };

  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] bool dense_at(const SequenceShape& shape) const noexcept;
  [[nodiscard]] bool dense_at(const Queries& queries) const noexcept;
  /// Whether all tokens have to be computed though few are queried: the core is asked at
  /// expand_queries() then, and the caller picks the rows that it wants.
  [[nodiscard]] bool expands(const Queries& queries) const noexcept {
    return !queries.all && !dense_at(queries);
  }

  [[nodiscard]] Carry begin(const SequenceShape& shape, Workspace<S>& workspace) const;
  /// For a carry whose sequence turns out to run chunkwise.
  void begin_states(Index tokens, Carry& carry, Workspace<S>& workspace) const;

  /// y (R, H dv) is overwritten.
  [[nodiscard]] Tape forward(const HeadInputs<S>& in, const Queries& queries, const Carry& carry,
                             View<S> y, Workspace<S>& workspace) const;
  /// @param y  what forward() wrote
  void backward(const HeadInputs<S>& in, const Queries& queries, const Carry& carry,
                const Tape& tape, ConstView<S> y, ConstView<S> dy, const HeadGradients<S>& out,
                Workspace<S>& workspace) const;

  /// Of the core alone.
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept;

 private:
  [[nodiscard]] CoreInput<S> head(const HeadInputs<S>& in, Index h) const;
  [[nodiscard]] bool has_states() const noexcept {
    return shape_.form == Form::kFastest || shape_.form == Form::kChunkwise;
  }
  [[nodiscard]] double multiply_adds(const SequenceShape& shape, bool dense) const noexcept;

  Shape shape_;
};

/// All tokens of a sequence of n, as queries.
template <class S>
[[nodiscard]] Queries expand_queries(Index tokens, Workspace<S>& workspace);

}  // namespace recollect
