#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/layers/rotary.hpp"
#include "models/mixers/linear_options.hpp"
#include "models/mixers/tape_mixer.hpp"
#include "models/tape/carry.hpp"

namespace recollect {

/// q, k and v of all heads, as a core reads them: projected from u and, where the options say so,
/// convolved and through silu, rotated (q and k), and of length 1 in each head (q and k).
template <class S>
class QkvBranches {
 public:
  using Segment = typename TapeMixer<S>::Segment;

  /// What one segment leaves to the next: the rows of q, k and v that convolutions reach back to.
  struct Before {
    tape::Var<S> rows[3];
    S* room[3];
  };
  struct Result {
    tape::Var<S> q;  ///< (R, H dk) at the rows that are asked for
    tape::Var<S> k;  ///< (n, H dk)
    tape::Var<S> v;  ///< (n, H dv)
  };

  /// Adds `q_proj`, `k_proj`, `v_proj` and the taps of their convolutions.
  QkvBranches(const LayerContext& context, const LinearOptions& options, ParameterLayout& layout);

  void begin_step(const StepShape& step);
  [[nodiscard]] Before begin(const SequenceShape& shape, tape::Carry<S>& carry,
                             Workspace<S>& workspace) const;
  /// @param asked    the rows of q @param u_asked  u at the segment's queries
  /// @param every    all of the segment's tokens
  [[nodiscard]] Result run(const Segment& segment, const tape::Var<S>& u_asked,
                           const Queries& asked, const Queries& every, tape::Carry<S>& carry,
                           Before& before) const;

  /// The weights that u is multiplied with.
  [[nodiscard]] std::vector<Tensor> weights() const {
    return {branches_[0].weight, branches_[1].weight, branches_[2].weight};
  }
  [[nodiscard]] Index heads() const noexcept { return heads_; }
  [[nodiscard]] Index key_width() const noexcept { return key_width_; }
  [[nodiscard]] Index value_width() const noexcept { return value_width_; }
  /// Elements that decoding must keep of the convolutions' input.
  [[nodiscard]] std::int64_t state(std::int64_t tokens) const noexcept;

 private:
  struct Branch {
    Tensor weight;
    Tensor taps;
    Index columns;
  };
  [[nodiscard]] tape::Var<S> project(const Segment& segment, int which, tape::Carry<S>& carry,
                                     Before& before) const;
  /// q at the segment's queries alone.
  [[nodiscard]] tape::Var<S> project_queries(const Segment& segment, const tape::Var<S>& u_asked,
                                             tape::Carry<S>& carry, Before& before) const;
  [[nodiscard]] tape::Var<S> rotate_and_norm(const Segment& segment, tape::Var<S> x,
                                             const Queries& at) const;

  Index heads_, key_width_, value_width_;
  Index taps_;
  bool normed_;
  Branch branches_[3];  // of q, k and v
  std::optional<Rotary<S>> rotary_;
};

}  // namespace recollect
