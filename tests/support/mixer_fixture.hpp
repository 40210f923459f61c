#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "tests/support/random_numbers.hpp"

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
  }

  /// Sets every element of a tensor; does nothing where the mixer has none of that name.
  void set(const std::string& name, double value) {
    if (const ParameterInfo* info = layout.find("layers.0." + name)) {
      info->tensor.in(theta.data()).setConstant(static_cast<S>(value));
    }
  }

  [[nodiscard]] Rows all() const { return Rows{everything, true}; }

  /// Segments of `segment` tokens each; one only where not all rows are read.
  struct Segments {
    Index length;
    Index size;
    [[nodiscard]] Index count() const { return (length + size - 1) / size; }
    [[nodiscard]] Index first(Index i) const { return i * size; }
    [[nodiscard]] Index tokens(Index i) const { return std::min(size, length - i * size); }
  };
  [[nodiscard]] Segments segments(const Rows& rows, Index segment) const {
    return {length, rows.all && segment > 0 ? segment : length};
  }
  [[nodiscard]] Rows part(const Rows& rows, const Segments& cut, Index i) const {
    if (!rows.all) return rows;
    return Rows{rows.positions.subspan(static_cast<std::size_t>(cut.first(i)),
                                       static_cast<std::size_t>(cut.tokens(i))),
                true};
  }

  /// @param segment  tokens handed over at a time; 0: all
  [[nodiscard]] Matrix<S> forward(const Matrix<S>& u, const Rows& rows, Index segment = 0) const {
    mixer->prepare(theta.data(), length);
    Workspace<S> workspace;
    Matrix<S> y(rows.count(), u.cols());
    const Segments cut = segments(rows, segment);
    auto* carry = mixer->begin(u.rows(), nullptr, rows.all, false, workspace);
    for (Index i = 0; i < cut.count(); ++i) {
      const Rows here = part(rows, cut, i);
      const typename Workspace<S>::Scope scope(workspace);
      (void)mixer->forward(
          theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)), nullptr, here,
          carry, rows.all ? recollect::rows(view_of(y), cut.first(i), here.count()) : view_of(y),
          workspace);
    }
    return y;
  }

  struct Gradients {
    Matrix<S> y;
    Matrix<S> du;
    std::vector<S> theta;
  };

  /// y, and the gradients of the sum of w * y.
  [[nodiscard]] Gradients gradients(const Matrix<S>& u, const Rows& rows, const Matrix<S>& w,
                                    Index segment = 0) const {
    mixer->prepare(theta.data(), length);
    Workspace<S> workspace;
    Gradients out{Matrix<S>(rows.count(), u.cols()), Matrix<S>(u.rows(), u.cols()),
                  std::vector<S>(theta.size(), S(0))};
    const Segments cut = segments(rows, segment);
    auto* carry = mixer->begin(u.rows(), nullptr, rows.all, true, workspace);
    std::vector<const typename Mixer<S>::Tape*> tapes;
    const auto of = [&](const auto& m, Index i) {
      return rows.all ? recollect::rows(m, cut.first(i), cut.tokens(i)) : m;
    };
    for (Index i = 0; i < cut.count(); ++i) {
      tapes.push_back(
          mixer->forward(theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)),
                         nullptr, part(rows, cut, i), carry, of(view_of(out.y), i), workspace));
    }
    for (Index i = cut.count() - 1; i >= 0; --i) {
      mixer->backward(
          theta.data(), out.theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)),
          nullptr, part(rows, cut, i), tapes[static_cast<std::size_t>(i)], carry, of(view_of(w), i),
          recollect::rows(view_of(out.du), cut.first(i), cut.tokens(i)), workspace);
    }
    return out;
  }
};

}  // namespace recollect
