#pragma once

#include <string>
#include <vector>

#include "base/fields.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// What the decay gate of a token is made of.
enum class Gate { kInput, kConstant, kNone };

/// How a decay gate g_t = -A dt_t starts, dt_t = softplus(w_dt . u_t + dt_bias).
struct GateStart {
  /// A is uniform in it (lowest, highest), Mamba-2's choice; empty: 1, 2, ..., H.
  std::vector<double> a;
  /// dt is log-uniform in it where w_dt . u_t is 0.
  std::vector<double> dt = {kUsualSteps.low, kUsualSteps.high};

  /// Bound to this object. @param no_gate  the variant's name leaves the gate out: what `model:`
  /// says is for others
  [[nodiscard]] Fields fields(bool no_gate);
  /// @throws FieldError
  void validate(Gate gate) const;

  /// A_log (H).
  [[nodiscard]] Tensor add_a_log(ParameterLayout& layout, const std::string& prefix,
                                 Index heads) const;
  /// dt_bias (H).
  [[nodiscard]] Tensor add_dt_bias(ParameterLayout& layout, const std::string& prefix,
                                   Index heads) const;
};

}  // namespace recollect
