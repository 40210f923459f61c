#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/arrays/npy.hpp"
#include "harness/arrays/zip.hpp"
#include "tests/fuzz/properties.hpp"
#include "tests/fuzz/refusal.hpp"

namespace recollect {
namespace {

constexpr std::size_t kLongestRefusal = 1000;  // of a file, nothing long is quoted
const UnpackLimit kLimit{std::uint64_t{1} << 20, "the 1 MiB of this test"};
const UnpackLimit kNoLimit{std::uint64_t{1} << 30, "the 1 GiB of this test"};

using Npy = std::variant<ArrayView, std::string>;

template <class Read>
Outcome short_outcome_of(const Read& read) {
  std::size_t length = 0;
  Outcome outcome = outcome_of([&] {
    try {
      read();
    } catch (const Error& error) {
      length = std::string_view(error.what()).size();
      throw;
    }
  });
  if (length > kLongestRefusal) outcome.failure = fmt::format("a refusal of {} bytes", length);
  return outcome;
}

bool same(const ArrayView& a, const ArrayView& b) {
  return a.name == b.name && a.type == b.type && a.shape == b.shape && a.bytes == b.bytes;
}

bool same(const Npy& a, const Npy& b) {
  if (a.index() != b.index()) return false;
  const auto* array = std::get_if<ArrayView>(&a);
  return array != nullptr ? same(*array, std::get<ArrayView>(b))
                          : std::get<std::string>(a) == std::get<std::string>(b);
}

bool same(const ArrayFile& a, const ArrayFile& b) {
  return a.texts == b.texts &&
         std::equal(a.arrays.begin(), a.arrays.end(), b.arrays.begin(), b.arrays.end(),
                    [](const ArrayView& x, const ArrayView& y) { return same(x, y); });
}

/// An array has the bytes that its shape needs, and they are some of `held`.
bool is_view(const ArrayView& array, std::string_view held) {
  return byte_count(array.shape) == static_cast<std::int64_t>(array.bytes.size()) &&
         array.bytes.data() >= held.data() &&
         array.bytes.data() + array.bytes.size() <= held.data() + held.size();
}

std::string failure_of_npy(std::string_view bytes, bool& accepted) {
  Npy parsed;
  const Outcome outcome =
      short_outcome_of([&] { parsed = parse_npy(bytes, "input", "input.npy"); });
  if (!outcome.accepted) return outcome.failure;
  accepted = true;
  const auto* array = std::get_if<ArrayView>(&parsed);
  if (array != nullptr && !is_view(*array, bytes)) return "the array is not bytes of the file";
  const std::string again =
      array != nullptr ? encode_npy(*array) : encode_npy_text(std::get<std::string>(parsed));
  return same(parse_npy(again, "input", "again.npy"), parsed) ? ""
                                                              : "the array changed, written again";
}

/// Accepted examples keep their rules, and are the same once they are arrays again.
std::string failure_of_examples(const ArrayFile& file) {
  ExampleArrays examples;
  const Outcome outcome = short_outcome_of([&] { examples = examples_in(file, "input.npz"); });
  if (!outcome.accepted) return outcome.failure;
  for (const std::int32_t id : examples.ids) {
    if (id < 0) return "an id below 0 is accepted";
  }
  for (std::size_t i = 0; i < examples.positions.size(); ++i) {
    const std::int32_t position = examples.positions[i];
    if (position == kPadding) continue;
    if (position < 0 || position >= examples.length) return "a position outside is accepted";
    if (examples.labels[i] < 0) return "a label below 0 is accepted";
  }
  ArrayFile again;
  again.arrays = arrays_of(examples);
  return digest_of(examples_in(again, "again.npz")) == digest_of(examples)
             ? ""
             : "the examples changed, written again";
}

std::string failure_of_npz(const std::string& bytes, bool& accepted) {
  ArrayFile file;
  const Outcome outcome = short_outcome_of([&] { file = parse_npz(bytes, "input.npz", kLimit); });
  if (!outcome.accepted) return outcome.failure;
  accepted = true;
  std::uint64_t size = 0;
  for (const std::string& held : file.held) size += held.size();
  if (size > kLimit.bytes) return "more is unpacked than may be";
  std::deque<ZipEntry> entries;
  for (const ArrayView& array : file.arrays) {
    const bool views = std::any_of(file.held.begin(), file.held.end(),
                                   [&](const std::string& held) { return is_view(array, held); });
    if (!views) return "an array is not bytes of the file";
    entries.push_back({array.name + ".npy", encode_npy(array)});
  }
  for (const auto& [name, text] : file.texts) {
    entries.push_back({name + ".npy", encode_npy_text(text)});
  }
  if (!entries.empty() && !same(parse_npz(encode_zip(entries), "again.npz", kNoLimit), file)) {
    return "the arrays changed, written again";
  }
  return failure_of_examples(file);
}

/// An archive of the .npy files that stand in `files` one behind the other, under the names of
/// examples; "" if there are none. A random input would fail the checksum of a packed archive, so
/// it is made here.
std::string packed(std::string_view files) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  constexpr const char* kNames[] = {"ids", "positions", "labels", "tag_lag", "digest", "more"};
  std::deque<ZipEntry> entries;
  std::size_t at = files.find(kMagic);
  while (at != files.npos && entries.size() < std::size(kNames)) {
    const std::size_t next = files.find(kMagic, at + 1);
    entries.push_back(
        {fmt::format("{}.npy", kNames[entries.size()]), std::string(files.substr(at, next - at))});
    at = next;
  }
  return entries.empty() ? "" : encode_zip(entries);
}

}  // namespace

Outcome check_arrays(std::string_view bytes) {
  Outcome outcome;
  outcome.failure = failure_of_npy(bytes, outcome.accepted);
  for (const std::string& file : {std::string(bytes), packed(bytes)}) {
    if (outcome.failure.empty()) outcome.failure = failure_of_npz(file, outcome.accepted);
  }
  return outcome;
}

}  // namespace recollect
