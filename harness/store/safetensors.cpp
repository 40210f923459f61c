#include "harness/store/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

static_assert(std::endian::native == std::endian::little, "files are written as memory lies");

constexpr const char* kChecksum = "checksum";

std::string checksum(std::span<const float> weights) {
  const auto* bytes = static_cast<const char*>(static_cast<const void*>(weights.data()));
  return hex(hash_text({bytes, weights.size_bytes()}));
}

using nlohmann::json;

[[noreturn]] void reject(const std::filesystem::path& path, const std::string& what) {
  throw IoError(fmt::format("{}: not a valid safetensors file: {}", path.string(), what));
}

// Far more than any model's tensors need; a parsed header takes about ten times its bytes.
constexpr std::uint64_t kLargestHeader = std::uint64_t{1} << 24;

json parse_header(const std::filesystem::path& path, std::string_view text) {
  std::vector<std::set<std::string>> keys;  // of each object that is open
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    // The header, its entries and their lists; deeper ones would be walked by recursion.
    if ((event == Event::object_start || event == Event::array_start) && depth > 2) {
      reject(path, "its header is nested more than three deep");
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      reject(path, fmt::format("{} '{}' is there twice", depth == 1 ? "tensor" : "key",
                               printable(parsed.get<std::string>())));
    }
    return true;
  };
  json header = json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!header.is_object()) reject(path, "its header is not a JSON object");
  return header;
}

/// An array of whole numbers >= 0; anything else is rejected.
std::vector<std::int64_t> whole_numbers(const std::filesystem::path& path, const std::string& name,
                                        const json& entry, const char* key) {
  std::vector<std::int64_t> numbers;
  const auto found = entry.find(key);
  bool valid = found != entry.end() && found->is_array();
  if (valid) {
    for (const json& item : *found) {
      valid = valid && item.is_number_unsigned() &&
              item.get<std::uint64_t>() <=
                  static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (valid) numbers.push_back(item.get<std::int64_t>());
    }
  }
  if (!valid) {
    reject(path, fmt::format("{} of '{}' is not a list of whole numbers", key, printable(name)));
  }
  return numbers;
}

std::string shown_list(const std::vector<std::int64_t>& numbers) {
  return printable(fmt::format("{}", fmt::join(numbers, ", ")));
}

struct Placed {
  NamedTensor tensor;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Placed parse_entry(const std::filesystem::path& path, const std::string& name, const json& entry,
                   std::int64_t data_size) {
  const std::string shown = printable(name);
  if (!entry.is_object()) reject(path, fmt::format("the entry of '{}' is not an object", shown));
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      reject(path, fmt::format("the entry of '{}' has an unknown key '{}'", shown, printable(key)));
    }
  }
  const auto dtype = entry.find("dtype");
  if (dtype == entry.end() || *dtype != "F32") {
    reject(path, fmt::format("dtype of '{}' is {}; only \"F32\" can be read", shown,
                             dtype == entry.end() ? "missing" : printable(dtype->dump())));
  }
  Placed placed;
  placed.tensor.name = name;
  placed.tensor.shape = whole_numbers(path, name, entry, "shape");
  const std::vector<std::int64_t> offsets = whole_numbers(path, name, entry, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    reject(path, fmt::format("data_offsets of '{}' are [{}]", shown, shown_list(offsets)));
  }
  placed.begin = offsets[0];
  placed.end = offsets[1];
  if (placed.end > data_size) {
    reject(path, fmt::format("truncated: '{}' ends at byte {} of the data, which has {} bytes",
                             shown, placed.end, data_size));
  }
  std::int64_t bytes = sizeof(float);
  for (const std::int64_t size : placed.tensor.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) bytes = -1;
    if (bytes < 0) break;
  }
  if (bytes != placed.end - placed.begin) {
    reject(path, fmt::format("'{}' has {} bytes of data, but its shape [{}] needs {}", shown,
                             placed.end - placed.begin, shown_list(placed.tensor.shape),
                             bytes < 0 ? "more than there can be" : std::to_string(bytes)));
  }
  return placed;
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
  std::uint64_t header_size = 0;
  if (file.size() < sizeof header_size) {
    reject(path, fmt::format("truncated: {} bytes, not even the length of a header", file.size()));
  }
  std::memcpy(&header_size, file.data(), sizeof header_size);
  if (header_size > file.size() - sizeof header_size) {
    reject(path, fmt::format("truncated: a header of {} bytes in a file of {}", header_size,
                             file.size()));
  }
  if (header_size > kLargestHeader) {
    reject(path,
           fmt::format("a header of {} bytes; none has more than {}", header_size, kLargestHeader));
  }
  const json header = parse_header(path, file.substr(8, header_size));
  const std::string_view data = file.substr(8 + header_size);

  WeightsFile result;
  std::vector<Placed> placed;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) reject(path, "__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string())
          reject(path, fmt::format("metadata '{}' is not text", printable(key)));
        result.metadata[key] = value.get<std::string>();
      }
    } else {
      placed.push_back(parse_entry(path, name, entry, static_cast<std::int64_t>(data.size())));
    }
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::int64_t position = 0;
  for (Placed& next : placed) {
    if (next.begin != position) {
      reject(path, fmt::format("'{}' starts at byte {} of the data, {} {}",
                               printable(next.tensor.name), next.begin,
                               next.begin < position ? "inside the tensor that ends at"
                                                     : "which leaves a gap after",
                               position));
    }
    position = next.end;
    next.tensor.data.resize(static_cast<std::size_t>(next.end - next.begin) / sizeof(float));
    if (!next.tensor.data.empty()) {
      std::memcpy(next.tensor.data.data(), data.data() + next.begin,
                  static_cast<std::size_t>(next.end - next.begin));
    }
    result.tensors.push_back(std::move(next.tensor));
  }
  if (position != static_cast<std::int64_t>(data.size())) {
    reject(path, fmt::format("{} bytes follow the last tensor",
                             static_cast<std::int64_t>(data.size()) - position));
  }
  return result;
}

std::string encode_safetensors(const std::vector<TensorView>& tensors, const Metadata& metadata) {
  json header = json::object();
  header["__metadata__"] = metadata;
  std::size_t size = 0;
  for (const TensorView& tensor : tensors) {
    header[tensor.name] = {{"dtype", "F32"},
                           {"shape", tensor.shape},
                           {"data_offsets", {size, size + tensor.data.size_bytes()}}};
    size += tensor.data.size_bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = text.size();
  std::string file(sizeof header_size, '\0');
  file.reserve(sizeof header_size + text.size() + size);
  std::memcpy(file.data(), &header_size, sizeof header_size);
  file += text;
  for (const TensorView& tensor : tensors) {
    file.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size_bytes());
  }
  return file;
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
