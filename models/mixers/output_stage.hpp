#pragma once

#include <vector>

#include "models/mixers/linear_options.hpp"
#include "models/mixers/tape_mixer.hpp"

namespace recollect {

/// What follows a core's output y, whatever the core: a share of the token's own value, norm and
/// gate as the options say, and W_o.
template <class S>
class OutputStage {
 public:
  using Segment = typename TapeMixer<S>::Segment;

  /// Adds `skip`, `gate_proj`, `out_norm` and `out_proj`, as far as the options use them.
  OutputStage(const LayerContext& context, const LinearOptions& options, ParameterLayout& layout);

  /// The mixer's output (R, D).
  /// @param y  (R, H dv) of the core @param v  (n, H dv) of all tokens @param u  (R, D)
  [[nodiscard]] tape::Var<S> run(const Segment& segment, tape::Var<S> y, const tape::Var<S>& v,
                                 const tape::Var<S>& u) const;

  /// The weights that u is multiplied with.
  [[nodiscard]] std::vector<Tensor> weights() const {
    return gate_weight_.size() > 0 ? std::vector<Tensor>{gate_weight_} : std::vector<Tensor>{};
  }

 private:
  [[nodiscard]] tape::Var<S> norm_and_gate(const Segment& segment, const tape::Var<S>& y,
                                           const tape::Var<S>& u) const;

  Index heads_;
  bool skips_;
  CoreOutput kind_;
  Tensor skip_, gate_weight_, norm_weight_, out_weight_;
};

}  // namespace recollect
