#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "math/view.hpp"

namespace recollect {

/// How a tensor starts.
enum class Fill {
  kNormal,       ///< normal with standard deviation `scale`
  kUniform,      ///< uniform in -scale..scale
  kConstant,     ///< `scale` everywhere
  kLogIndex,     ///< log(1), log(2), ...: A_log
  kLogUniform,   ///< the logarithm of numbers uniform in `range`: A_log, where it is drawn
  kInverseStep,  ///< such that softplus of it is log-uniform in `range`: dt_bias
};

/// From which numbers an element is drawn.
struct Range {
  double low = 0.0;
  double high = 0.0;
};
/// Step sizes of a gate (Mamba-2, arXiv 2405.21060).
inline constexpr Range kUsualSteps{1e-3, 1e-1};

/// A tensor's place in the flat buffers of weights and of gradients. One-dimensional tensors have
/// rows == 1 and `one_dimensional` set.
struct Tensor {
  Index offset = 0;
  Index rows = 0;
  Index cols = 0;
  [[nodiscard]] Index size() const noexcept { return rows * cols; }

  /// The tensor in a buffer of weights or gradients, T = S or const S.
  template <class T>
  [[nodiscard]] View<T> in(T* buffer) const {
    return recollect::view(buffer + offset, rows, cols);
  }
  template <class S>
  [[nodiscard]] std::span<S> elements(S* buffer) const {
    return {buffer + offset, static_cast<std::size_t>(size())};
  }
};

/// A named tensor and how it starts.
struct ParameterInfo {
  std::string name;  ///< e.g. "layers.0.q_proj.weight"
  Tensor tensor;
  bool one_dimensional = false;  ///< written with one dimension, and without weight decay
  Fill fill = Fill::kNormal;
  double scale = 0.0;
  Range range = {};
};

/// The names, shapes and places of a model's tensors, in the order in which layers ask for them.
/// Weights, gradients and optimiser moments are flat buffers of `size()` elements laid out by it.
class ParameterLayout {
 public:
  Tensor add_matrix(std::string name, Index rows, Index cols, Fill fill, double scale);
  Tensor add_vector(std::string name, Index size, Fill fill, double scale);
  Tensor add_vector(std::string name, Index size, Fill fill, Range range);

  /// Tensors from number `first` on that would start normal start uniform in +-1/sqrt(columns), as
  /// PyTorch's Linear does.
  void make_uniform(std::size_t first);

  [[nodiscard]] const std::vector<ParameterInfo>& all() const noexcept { return all_; }
  [[nodiscard]] Index size() const noexcept { return size_; }
  /// @returns null where no tensor has that name
  [[nodiscard]] const ParameterInfo* find(const std::string& name) const noexcept;

 private:
  Tensor add(std::string name, Index rows, Index cols, bool one_dimensional, Fill fill,
             double scale);
  std::vector<ParameterInfo> all_;
  Index size_ = 0;
};

/// Fills `weights`. Each tensor draws from its own stream (seed, its name), so that models of one
/// seed share the tensors that they have in common, whatever else they hold. The values are drawn
/// in double and rounded: float and double models of a seed agree.
template <class S>
void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<S> weights);

}  // namespace recollect
