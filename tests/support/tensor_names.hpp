#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "models/parameters.hpp"

namespace recollect {

/// Whose buffers a test is running on, so that a message can say what an address belongs to.
struct TensorsInUse {
  const ParameterLayout* layout = nullptr;
  const std::byte* theta = nullptr;
  const std::byte* gradient = nullptr;  ///< or null
  std::size_t element = 0;              ///< bytes
};
inline TensorsInUse tensors_in_use;

template <class S>
void use_tensors(const ParameterLayout& layout, const S* theta, const S* gradient = nullptr) {
  const auto bytes = [](const S* p) {
    return static_cast<const std::byte*>(static_cast<const void*>(p));
  };
  tensors_in_use = {&layout, bytes(theta), bytes(gradient), sizeof(S)};
}

/// "layers.0.q_proj.weight (4, 4)"
[[nodiscard]] inline std::string tensor_text(const ParameterInfo& info) {
  return info.one_dimensional
             ? fmt::format("{} ({})", info.name, info.tensor.cols)
             : fmt::format("{} ({}, {})", info.name, info.tensor.rows, info.tensor.cols);
}

/// The weight or gradient at an address, "" where there is none.
[[nodiscard]] inline std::string tensor_at(const void* address) {
  const TensorsInUse& in_use = tensors_in_use;
  if (in_use.layout == nullptr) return "";
  const auto* at = static_cast<const std::byte*>(address);
  for (const bool weights : {true, false}) {
    const std::byte* begin = weights ? in_use.theta : in_use.gradient;
    if (begin == nullptr || at < begin) continue;
    const auto index = static_cast<Index>(static_cast<std::size_t>(at - begin) / in_use.element);
    if (index >= in_use.layout->size()) continue;
    for (const ParameterInfo& info : in_use.layout->all()) {
      if (index >= info.tensor.offset && index < info.tensor.offset + info.tensor.size()) {
        return (weights ? "" : "the gradient of ") + tensor_text(info);
      }
    }
  }
  return "";
}

/// Sets what lies behind a tensor, up to the next one: nothing, except in the program of the
/// contracts, which is compiled with gaps between tensors.
template <class S>
void fill_gap(const ParameterLayout& layout, std::size_t tensor, S value, S* buffer) {
  const auto& all = layout.all();
  const Tensor& before = all[tensor].tensor;
  const Index end = tensor + 1 < all.size() ? all[tensor + 1].tensor.offset : layout.size();
  std::fill(buffer + before.offset + before.size(), buffer + end, value);
}

template <class S>
void fill_gaps(const ParameterLayout& layout, S value, S* buffer) {
  for (std::size_t i = 0; i < layout.all().size(); ++i) fill_gap(layout, i, value, buffer);
}

template <class S>
void poison_gaps(const ParameterLayout& layout, S* buffer) {
  fill_gaps(layout, std::numeric_limits<S>::quiet_NaN(), buffer);
}

}  // namespace recollect
