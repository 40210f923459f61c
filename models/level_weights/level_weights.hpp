#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "math/view.hpp"
#include "math/workspace.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// How the weight lambda of every level is made from a token: what distinguishes the log-linear
/// variants, and what a new idea usually adds. lambda has L columns for each head, (R, H L).
template <class S>
class LevelWeights {
 public:
  virtual ~LevelWeights() = default;

  /// What forward() leaves for backward(); lives in the workspace.
  struct Tape {};

  /// L; 0 where every level weighs 1 and lambda has no columns.
  [[nodiscard]] virtual Index levels() const noexcept = 0;

  /// lambda (R, H L) is overwritten; u (R, D) holds the layer's input at the rows.
  [[nodiscard]] virtual const Tape* forward(const S* theta, ConstView<S> u, View<S> lambda,
                                            Workspace<S>& workspace) const = 0;

  /// dlambda is changed; du (R, D) and `gradient` are accumulated.
  virtual void backward(const S* theta, S* gradient, ConstView<S> u, const Tape* tape,
                        ConstView<S> lambda, View<S> dlambda, View<S> du,
                        Workspace<S>& workspace) const = 0;

  /// Elements a row that the tape holds, and that backward() needs beside it.
  [[nodiscard]] virtual std::int64_t tape_row() const noexcept { return 0; }
  [[nodiscard]] virtual std::int64_t scratch_row() const noexcept { return 0; }
  /// Nominal multiply-adds a row.
  [[nodiscard]] virtual double multiply_adds() const noexcept = 0;
};

/// What level weights need to know to be built.
struct LevelContext {
  const ModelSettings& model;
  Index levels;
  const std::string& prefix;  ///< of the layer's tensor names
};

/// ln(e - 1): softplus of it is 1.
inline constexpr double kSoftplusOne = 0.54132485461291810;

}  // namespace recollect
