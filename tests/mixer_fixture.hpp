#pragma once

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/fenwick.hpp"
#include "models/mixers/registry.hpp"
#include "tests/random_numbers.hpp"

namespace recollect {

/// One mixer alone, with random weights of its own: what the contract tests loop over.
template <class S>
struct MixerFixture {
  ModelSettings settings;
  ParameterLayout layout;
  std::unique_ptr<Mixer<S>> mixer;
  std::vector<S> theta;
  std::vector<std::int32_t> everything;
  Index length;

  MixerFixture(const MixerEntry& entry, const ModelSettings& model, Index tokens,
               std::int64_t levels = 0)
      : settings(model),
        mixer(entry.make<S>(
            MixerContext{settings, levels > 0 ? levels : level_count(tokens), "layers.0."},
            layout)),
        theta(static_cast<std::size_t>(layout.size())),
        everything(static_cast<std::size_t>(tokens)),
        length(tokens) {
    std::iota(everything.begin(), everything.end(), 0);
    fill_normal<S>(7, 0.5, theta);
    mixer->prepare(tokens);
  }

  /// Sets every element of a tensor; does nothing where the mixer has none of that name.
  void set(const std::string& name, double value) {
    if (const ParameterInfo* info = layout.find("layers.0." + name)) {
      info->tensor.in(theta.data()).setConstant(static_cast<S>(value));
    }
  }

  [[nodiscard]] Rows all() const { return Rows{everything, true}; }

  [[nodiscard]] Matrix<S> forward(const Matrix<S>& u, const Rows& rows) const {
    Workspace<S> workspace;
    Matrix<S> y(rows.count(), u.cols());
    (void)mixer->forward(theta.data(), view_of(u), nullptr, rows, view_of(y), workspace);
    return y;
  }

  struct Gradients {
    Matrix<S> y;
    Matrix<S> du;
    std::vector<S> theta;
  };

  /// y, and the gradients of the sum of w * y.
  [[nodiscard]] Gradients gradients(const Matrix<S>& u, const Rows& rows,
                                    const Matrix<S>& w) const {
    Workspace<S> workspace;
    Gradients out{Matrix<S>(rows.count(), u.cols()), Matrix<S>(u.rows(), u.cols()),
                  std::vector<S>(theta.size(), S(0))};
    const auto* tape =
        mixer->forward(theta.data(), view_of(u), nullptr, rows, view_of(out.y), workspace);
    mixer->backward(theta.data(), out.theta.data(), view_of(u), nullptr, rows, tape, view_of(w),
                    view_of(out.du), workspace);
    return out;
  }
};

}  // namespace recollect
