#include "harness/arrays/safetensors_format.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "files are written as memory lies");

constexpr const char* kFloat = "F32";
constexpr const char* kInt = "I32";

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

struct Placed {
  ArrayView tensor;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

NumberType parse_type(const std::filesystem::path& path, const std::string& shown,
                      const json& entry, TensorTypes types) {
  const auto dtype = entry.find("dtype");
  if (dtype != entry.end() && *dtype == kFloat) return NumberType::kFloat32;
  const bool all = types == TensorTypes::kAll;
  if (all && dtype != entry.end() && *dtype == kInt) return NumberType::kInt32;
  reject(path, fmt::format("dtype of '{}' is {}; only {} can be read", shown,
                           dtype == entry.end() ? "missing" : printable(dtype->dump()),
                           all ? "\"F32\" and \"I32\"" : "\"F32\""));
}

Placed parse_entry(const std::filesystem::path& path, const std::string& name, const json& entry,
                   std::int64_t data_size, TensorTypes types) {
  const std::string shown = printable(name);
  if (!entry.is_object()) reject(path, fmt::format("the entry of '{}' is not an object", shown));
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      reject(path, fmt::format("the entry of '{}' has an unknown key '{}'", shown, printable(key)));
    }
  }
  Placed placed;
  placed.tensor.name = name;
  placed.tensor.type = parse_type(path, shown, entry, types);
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
  const std::int64_t bytes = byte_count(placed.tensor.shape);
  if (bytes != placed.end - placed.begin) {
    reject(path, fmt::format("'{}' has {} bytes of data, but its shape [{}] needs {}", shown,
                             placed.end - placed.begin, shown_list(placed.tensor.shape),
                             bytes < 0 ? "more than there can be" : std::to_string(bytes)));
  }
  return placed;
}

}  // namespace

std::string shown_list(const std::vector<std::int64_t>& numbers) {
  return printable(fmt::format("{}", fmt::join(numbers, ", ")));
}

Safetensors parse_safetensors_bytes(std::string_view file, const std::filesystem::path& path,
                                    TensorTypes types) {
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

  Safetensors result;
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
      placed.push_back(
          parse_entry(path, name, entry, static_cast<std::int64_t>(data.size()), types));
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
    next.tensor.bytes = data.substr(static_cast<std::size_t>(next.begin),
                                    static_cast<std::size_t>(next.end - next.begin));
    result.tensors.push_back(std::move(next.tensor));
  }
  if (position != static_cast<std::int64_t>(data.size())) {
    reject(path, fmt::format("{} bytes follow the last tensor",
                             static_cast<std::int64_t>(data.size()) - position));
  }
  return result;
}

std::string encode_safetensors_bytes(const std::vector<ArrayView>& tensors,
                                     const Metadata& metadata) {
  json header = json::object();
  header["__metadata__"] = metadata;
  std::size_t size = 0;
  for (const ArrayView& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.type == NumberType::kFloat32 ? kFloat : kInt},
                           {"shape", tensor.shape},
                           {"data_offsets", {size, size + tensor.bytes.size()}}};
    size += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = text.size();
  std::string file(sizeof header_size, '\0');
  file.reserve(sizeof header_size + text.size() + size);
  std::memcpy(file.data(), &header_size, sizeof header_size);
  file += text;
  for (const ArrayView& tensor : tensors) {
    file += tensor.bytes;
  }
  return file;
}

}  // namespace recollect
