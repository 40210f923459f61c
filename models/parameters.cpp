#include "models/parameters.hpp"

#include <cmath>
#include <utility>

#include "math/portable_math.hpp"
#include "math/rng.hpp"

namespace recollect {
namespace {

/// The number whose softplus is `step` > 0.
double inverse_softplus(double step) {
  if (step > 30.0) return step;  // they agree to the last bit or two
  // The difference loses the digits of a small step; its series does not.
  if (step < 1e-5) return portable::log(step * (1.0 + 0.5 * step));
  return portable::log(portable::exp(step) - 1.0);
}

double draw(const ParameterInfo& info, Index index, Rng& rng) {
  switch (info.fill) {
    case Fill::kNormal:
      return info.scale * rng.normal();
    case Fill::kUniform:
      return info.scale * (2.0 * rng.uniform() - 1.0);
    case Fill::kConstant:
      return info.scale;
    case Fill::kLogIndex:
      return portable::log(static_cast<double>(index + 1));
    case Fill::kLogUniform:
      return portable::log(info.range.low + (info.range.high - info.range.low) * rng.uniform());
    case Fill::kInverseStep: {
      const double low = portable::log(info.range.low);
      const double high = portable::log(info.range.high);
      return inverse_softplus(portable::exp(low + (high - low) * rng.uniform()));
    }
  }
  return 0.0;
}

}  // namespace

Tensor ParameterLayout::add_matrix(std::string name, Index rows, Index cols, Fill fill,
                                   double scale) {
  return add(std::move(name), rows, cols, false, fill, scale);
}

Tensor ParameterLayout::add_vector(std::string name, Index size, Fill fill, double scale) {
  return add(std::move(name), 1, size, true, fill, scale);
}

Tensor ParameterLayout::add_vector(std::string name, Index size, Fill fill, Range range) {
  const Tensor tensor = add(std::move(name), 1, size, true, fill, 0.0);
  all_.back().range = range;
  return tensor;
}

void ParameterLayout::make_uniform(std::size_t first) {
  for (std::size_t i = first; i < all_.size(); ++i) {
    ParameterInfo& info = all_[i];
    if (info.fill != Fill::kNormal) continue;
    info.fill = Fill::kUniform;
    info.scale = 1.0 / std::sqrt(static_cast<double>(info.tensor.cols));
  }
}

Tensor ParameterLayout::add(std::string name, Index rows, Index cols, bool one_dimensional,
                            Fill fill, double scale) {
#ifdef RECOLLECT_SHAPE_ERRORS
  // A gap, so that what reads or writes beyond a tensor is noticed. Projections of one shape are
  // read as one matrix.
  if (!all_.empty() && (all_.back().tensor.rows != rows || all_.back().tensor.cols != cols))
    size_ += 64;
#endif
  const Tensor tensor{size_, rows, cols};
  all_.push_back(ParameterInfo{std::move(name), tensor, one_dimensional, fill, scale, {}});
  size_ += tensor.size();
  return tensor;
}

const ParameterInfo* ParameterLayout::find(const std::string& name) const noexcept {
  for (const ParameterInfo& info : all_) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

template <class S>
void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<S> weights) {
  for (const ParameterInfo& info : layout.all()) {
    Rng rng(seed, Stream::kInit, name_index(info.name));
    for (Index i = 0; i < info.tensor.size(); ++i) {
      weights[static_cast<std::size_t>(info.tensor.offset + i)] =
          static_cast<S>(draw(info, i, rng));
    }
  }
}

template void initialise<float>(const ParameterLayout&, std::uint64_t, std::span<float>);
template void initialise<double>(const ParameterLayout&, std::uint64_t, std::span<double>);

}  // namespace recollect
