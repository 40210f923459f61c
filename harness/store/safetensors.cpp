#include "harness/store/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/arrays/safetensors_format.hpp"

namespace recollect {
namespace {

constexpr const char* kChecksum = "checksum";

std::string checksum(std::span<const float> weights) {
  const auto* bytes = static_cast<const char*>(static_cast<const void*>(weights.data()));
  return hex(hash_text({bytes, weights.size_bytes()}));
}

}  // namespace

std::vector<std::int64_t> shape_of(const ParameterInfo& info) {
  if (info.one_dimensional) return {info.tensor.size()};
  return {info.tensor.rows, info.tensor.cols};
}

WeightsFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path);
}

WeightsFile parse_safetensors(std::string_view file, const std::filesystem::path& path) {
  Safetensors parsed = parse_safetensors_bytes(file, path, TensorTypes::kFloat32);
  WeightsFile result;
  result.metadata = std::move(parsed.metadata);
  for (ArrayView& tensor : parsed.tensors) {
    std::vector<float> data = numbers_of<float>(tensor);
    result.tensors.push_back({std::move(tensor.name), std::move(tensor.shape), std::move(data)});
  }
  return result;
}

std::string encode_safetensors(const std::vector<TensorView>& tensors, const Metadata& metadata) {
  std::vector<ArrayView> arrays;
  for (const TensorView& tensor : tensors) {
    arrays.push_back({tensor.name, NumberType::kFloat32, tensor.shape, bytes_of(tensor.data)});
  }
  return encode_safetensors_bytes(arrays, metadata);
}

void save_weights(const std::filesystem::path& path, const ParameterLayout& layout,
                  std::span<const float> weights, const Metadata& metadata) {
  Metadata with_checksum = metadata;
  with_checksum[kChecksum] = checksum(weights);
  std::vector<TensorView> tensors;
  for (const ParameterInfo& info : layout.all()) {
    tensors.push_back({info.name, shape_of(info),
                       weights.subspan(static_cast<std::size_t>(info.tensor.offset),
                                       static_cast<std::size_t>(info.tensor.size()))});
  }
  write_file_atomically(path, encode_safetensors(tensors, with_checksum));
}

std::vector<float> load_weights(const std::filesystem::path& path, const ParameterLayout& layout) {
  const WeightsFile file = read_safetensors(path);
  std::vector<float> weights(static_cast<std::size_t>(layout.size()));
  for (const NamedTensor& tensor : file.tensors) {
    const ParameterInfo* info = layout.find(tensor.name);
    if (info == nullptr) {
      throw IoError(fmt::format("{}: tensor '{}' is not one of this model's", path.string(),
                                printable(tensor.name)));
    }
    const std::vector<std::int64_t> wanted = shape_of(*info);
    if (tensor.shape != wanted) {
      throw IoError(fmt::format("{}: tensor '{}' has shape [{}], but the model needs [{}]",
                                path.string(), tensor.name, shown_list(tensor.shape),
                                shown_list(wanted)));
    }
    std::copy(tensor.data.begin(), tensor.data.end(), weights.begin() + info->tensor.offset);
  }
  if (file.tensors.size() != layout.all().size()) {  // names are unique: at least one is missing
    for (const ParameterInfo& info : layout.all()) {
      if (std::none_of(file.tensors.begin(), file.tensors.end(),
                       [&](const NamedTensor& tensor) { return tensor.name == info.name; })) {
        throw IoError(fmt::format("{}: tensor '{}' is missing", path.string(), info.name));
      }
    }
  }
  const auto expected = file.metadata.find(kChecksum);
  if (expected != file.metadata.end() && expected->second != checksum(weights)) {
    throw IoError(fmt::format("{}: its checksum does not fit its weights; damaged", path.string()));
  }
  return weights;
}

}  // namespace recollect
