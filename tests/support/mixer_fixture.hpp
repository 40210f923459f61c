#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "math/fenwick.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/tensor_names.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {

/// One mixer alone, with random weights of its own: what the contract tests loop over.
template <class S>
struct MixerFixture {
  TestModel settings;
  ParameterLayout layout;
  std::unique_ptr<Mixer<S>> mixer;
  std::vector<S> theta;
  std::vector<std::int32_t> everything;
  Index length;

  MixerFixture(const MixerEntry& entry, const TestModel& model, Index tokens,
               std::int64_t levels = 0)
      : settings(model),
        mixer(mixer_of(model, entry.name)
                  ->make<S>(LayerContext{settings, model.execution(),
                                         levels > 0 ? levels : level_count(tokens), "layers.0."},
                            layout)),
        theta(static_cast<std::size_t>(layout.size())),
        everything(static_cast<std::size_t>(tokens)),
        length(tokens) {
    std::iota(everything.begin(), everything.end(), 0);
    fill_normal<S>(7, 0.5, theta);
    poison_gaps(layout, theta.data());
  }

  /// Sets every element of a tensor; does nothing where the mixer has none of that name.
  void set(const std::string& name, double value) {
    if (const ParameterInfo* info = layout.find("layers.0." + name)) {
      fill(info->tensor.in(theta.data()), static_cast<S>(value));
    }
  }

  [[nodiscard]] Queries all() const { return Queries{everything, true}; }

  /// Segments of `segment` tokens each; one only where not all tokens are queried.
  struct Segments {
    Index length;
    Index size;
    [[nodiscard]] Index count() const { return (length + size - 1) / size; }
    [[nodiscard]] Index first(Index i) const { return i * size; }
    [[nodiscard]] Index tokens(Index i) const { return std::min(size, length - i * size); }
  };
  [[nodiscard]] Segments segments(const Queries& queries, Index segment) const {
    return {length, queries.all && segment > 0 ? segment : length};
  }
  [[nodiscard]] Queries part(const Queries& queries, const Segments& cut, Index i) const {
    if (!queries.all) return queries;
    return Queries{queries.positions.subspan(static_cast<std::size_t>(cut.first(i)),
                                             static_cast<std::size_t>(cut.tokens(i))),
                   true};
  }
  [[nodiscard]] SequenceShape shape(const Queries& queries, bool backward) const {
    return {length, queries.all ? length : queries.count(), backward};
  }

  /// @param segment  tokens handed over at a time; 0: all
  [[nodiscard]] Matrix<S> forward(const Matrix<S>& u, const Queries& queries,
                                  Index segment = 0) const {
    use_tensors(layout, theta.data());
    mixer->begin_step(theta.data(), {length});
    Workspace<S> workspace;
    Matrix<S> y(queries.count(), u.cols());
    const Segments cut = segments(queries, segment);
    auto* carry = mixer->begin(shape(queries, false), workspace);
    for (Index i = 0; i < cut.count(); ++i) {
      const Queries here = part(queries, cut, i);
      const typename Workspace<S>::Scope scope(workspace);
      (void)mixer->forward(
          theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)), here, carry,
          queries.all ? recollect::rows(view_of(y), cut.first(i), here.count()) : view_of(y),
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
  [[nodiscard]] Gradients gradients(const Matrix<S>& u, const Queries& queries, const Matrix<S>& w,
                                    Index segment = 0) const {
    Gradients out{Matrix<S>(queries.count(), u.cols()), Matrix<S>(u.rows(), u.cols()),
                  std::vector<S>(theta.size(), S(0))};
    use_tensors(layout, theta.data(), out.theta.data());
    mixer->begin_step(theta.data(), {length});
    Workspace<S> workspace;
    const Segments cut = segments(queries, segment);
    auto* carry = mixer->begin(shape(queries, true), workspace);
    std::vector<const typename Mixer<S>::Tape*> tapes;
    const auto of = [&](auto m, Index i) {
      return queries.all ? recollect::rows(m, cut.first(i), cut.tokens(i)) : m;
    };
    for (Index i = 0; i < cut.count(); ++i) {
      tapes.push_back(
          mixer->forward(theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)),
                         part(queries, cut, i), carry, of(view_of(out.y), i), workspace));
    }
    for (Index i = cut.count() - 1; i >= 0; --i) {
      mixer->backward(
          theta.data(), out.theta.data(), recollect::rows(view_of(u), cut.first(i), cut.tokens(i)),
          part(queries, cut, i), tapes[static_cast<std::size_t>(i)], carry, of(view_of(w), i),
          recollect::rows(view_of(out.du), cut.first(i), cut.tokens(i)), workspace);
    }
    return out;
  }
};

}  // namespace recollect
