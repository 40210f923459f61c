#include "harness/store/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "harness/store/safetensors.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/properties.hpp"
#include "tests/fuzz/refusal.hpp"

namespace recollect {
namespace {

constexpr std::size_t kFirst = sizeof(std::uint64_t);  // byte of the header
constexpr std::string_view kCell = "0123456789abcdef";

/// The model whose weights and states are accepted; as in tests/checkpoint_test.cpp.
const ParameterLayout& layout() {
  static const ParameterLayout made = [] {
    ParameterLayout layout;
    layout.add_matrix("a.weight", 2, 3, Fill::kConstant, 0.0);
    layout.add_vector("a.bias", 2, Fill::kConstant, 0.0);
    return layout;
  }();
  return made;
}

std::string_view bytes_of(std::span<const float> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

/// The same file with the length of the header that its text has, as far as its braces tell.
std::string with_header_length(std::string_view file) {
  std::string framed(file.substr(0, std::min(file.size(), kFirst)));
  framed.resize(kFirst);
  std::uint64_t length = 0;
  int open = 0;
  bool in_text = false;
  const std::string_view rest = file.substr(std::min(file.size(), kFirst));
  while (length < rest.size()) {
    const char c = rest[length++];
    if (in_text && c == '\\' && length < rest.size()) {
      ++length;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && c == '{') {
      ++open;
    } else if (!in_text && c == '}' && --open <= 0) {
      break;
    }
  }
  std::memcpy(framed.data(), &length, sizeof length);
  framed += rest;
  return framed;
}

/// The same file with the checksum that its bytes have; "" where it has no place for one.
std::string with_checksum(std::string file) {
  const std::string key = "\"checksum\":\"";
  const std::string none(16, '0');
  const std::size_t found = file.find(key);
  if (found == std::string::npos || file.size() - found < key.size() + none.size()) return "";
  file.replace(found + key.size(), none.size(), none);
  const std::string checksum = hex(hash_text(file));
  return file.replace(found + key.size(), none.size(), checksum);
}

bool same(const WeightsFile& a, const WeightsFile& b) {
  return a.metadata == b.metadata &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const NamedTensor& x, const NamedTensor& y) {
                      return x.name == y.name && x.shape == y.shape &&
                             bytes_of(x.data) == bytes_of(y.data);
                    });
}

/// Accepted tensors lie in the file one after the other, and fill it.
std::string layout_failure(std::string_view file, const WeightsFile& parsed) {
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  std::string data;
  for (const NamedTensor& tensor : parsed.tensors) {
    std::int64_t numbers = 1;
    for (const std::int64_t size : tensor.shape) numbers *= size;
    if (numbers != static_cast<std::int64_t>(tensor.data.size())) {
      return fmt::format("tensor '{}' has {} numbers", tensor.name, tensor.data.size());
    }
    data += bytes_of(tensor.data);
  }
  return data == file.substr(kFirst + header) ? "" : "the tensors are not the bytes of the file";
}

std::string failure_of_tensors(std::string_view file, bool& accepted) {
  WeightsFile parsed;
  const Outcome outcome = outcome_of([&] { parsed = parse_safetensors(file, "input"); });
  if (!outcome.accepted) return outcome.failure;
  accepted = true;
  if (std::string wrong = layout_failure(file, parsed); !wrong.empty()) return wrong;
  std::vector<TensorView> views;
  for (const NamedTensor& tensor : parsed.tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.data});
  }
  const std::string again = encode_safetensors(views, parsed.metadata);
  if (!same(parse_safetensors(again, "again"), parsed)) return "the file changed, written again";

  static const MemoryFile memory;
  memory.write(file);
  std::vector<float> weights;
  const Outcome loaded = outcome_of([&] { weights = load_weights(memory.path(), layout()); });
  if (!loaded.accepted) return loaded.failure;
  for (const NamedTensor& tensor : parsed.tensors) {
    const Tensor& place = layout().find(tensor.name)->tensor;
    const std::span<const float> there = std::span<const float>(weights).subspan(
        static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.size()));
    if (bytes_of(there) != bytes_of(tensor.data)) return "weights are not where they belong";
  }
  return "";
}

std::string encoded(const TrainState& state, const StateIdentity& identity) {
  return encode_state({state.progress, state.weights, state.first_moment, state.second_moment},
                      identity, layout());
}

std::string failure_of_state(const std::string& file, bool& accepted) {
  TrainState state;
  StateIdentity by;
  const auto read = [&](const std::string& bytes) {
    state = decode_state(bytes, "input", std::string(kCell), layout(), by);
  };
  const Outcome outcome = outcome_of([&] { read(file); });
  if (!outcome.accepted) return outcome.failure;
  accepted = true;
  if (with_checksum(file) != file) return "a state with a wrong checksum is accepted";
  for (const NamedTensor& tensor : parse_safetensors(file, "input").tensors) {
    const std::size_t slash = tensor.name.find('/');
    const std::string part = tensor.name.substr(0, slash);
    const std::vector<float>& numbers = part == "weights"         ? state.weights
                                        : part == "first_moment"  ? state.first_moment
                                        : part == "second_moment" ? state.second_moment
                                                                  : state.progress.best_weights;
    const Tensor& place = layout().find(tensor.name.substr(slash + 1))->tensor;
    const std::span<const float> there = std::span<const float>(numbers).subspan(
        static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.size()));
    if (bytes_of(there) != bytes_of(tensor.data)) return "numbers are not where they belong";
  }
  const std::string again = encoded(state, by);
  read(again);
  return encoded(state, by) == again ? "" : "the state changed, written again";
}

}  // namespace

Outcome check_weights_file(std::string_view bytes) {
  Outcome outcome;
  const std::string as_it_stands(bytes);
  const std::string framed = with_header_length(bytes);
  for (const std::string& file : {as_it_stands, framed}) {
    if (outcome.failure.empty()) outcome.failure = failure_of_tensors(file, outcome.accepted);
  }
  for (const std::string& file : {as_it_stands, with_checksum(framed)}) {
    if (outcome.failure.empty()) outcome.failure = failure_of_state(file, outcome.accepted);
  }
  return outcome;
}

}  // namespace recollect
