#include "harness/config/initial_weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <system_error>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/pinned_file.hpp"
#include "base/text.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {
namespace {

InitialWeights weights_in(const std::filesystem::path& path) {
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

}  // namespace

std::vector<std::string> overrides_of_init(const std::filesystem::path& file, bool partial) {
  std::vector<std::string> overrides = {
      fmt::format("train.init={}", yaml_quoted(std::filesystem::absolute(file).string()))};
  if (partial) overrides.emplace_back("train.init_partial=true");
  return overrides;
}

void read_initial_weights(TrainSettings& train, const std::filesystem::path& folder, bool needed) {
  if (train.init == kDrawn) return;
  const PinnedFile file = pinned_file(train.init);
  const std::filesystem::path path =
      std::filesystem::absolute(folder / file.path).lexically_normal();
  std::error_code none;
  if (!needed && !file.digest.empty() && !std::filesystem::exists(path, none)) return;
  const auto weights = std::make_shared<const InitialWeights>(weights_in(path));
  if (!file.digest.empty() && file.digest != weights->digest) {
    throw IoError(
        fmt::format("{}: its digest is {}, but the configuration asks for {}; the file "
                    "was changed, or another is meant",
                    path.string(), weights->digest, file.digest));
  }
  train.init = text_of({path.string(), weights->digest});
  train.initial = weights;
}

}  // namespace recollect
