#include "harness/config/initial_weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

InitialWeights initial_weights_in(const std::filesystem::path& path) {
  InitialWeights weights;
  std::string all;
  const ArrayFile file = read_arrays(path);
  for (const ArrayView& array : file.arrays) {
    if (array.type != NumberType::kFloat32) {
      throw IoError(fmt::format("{}: tensor '{}' is {}, but must be float32", path.string(),
                                printable(array.name), name_of(array.type)));
    }
    weights.tensors.push_back({array.name, array.shape, numbers_of<float>(array)});
    const std::vector<float>& data = weights.tensors.back().data;
    if (!std::all_of(data.begin(), data.end(), [](float w) { return std::isfinite(w); })) {
      throw IoError(fmt::format("{}: tensor '{}' holds a number that is not finite", path.string(),
                                printable(array.name)));
    }
    all += fmt::format("{} [{}]\n", array.name, fmt::join(array.shape, ", "));
    all += array.bytes;
  }
  weights.digest = hex(digest_bytes(std::as_bytes(std::span(all))));
  return weights;
}

std::vector<std::string> overrides_of_init(const std::filesystem::path& file, bool partial) {
  std::vector<std::string> overrides = {
      fmt::format("train.init={}", yaml_quoted(std::filesystem::absolute(file).string()))};
  if (partial) overrides.emplace_back("train.init_partial=true");
  return overrides;
}

}  // namespace recollect
