#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

/// The numbers that arrays in files may have, little-endian.
enum class NumberType { kFloat32, kInt32 };
[[nodiscard]] constexpr std::string_view name_of(NumberType type) noexcept {
  return type == NumberType::kFloat32 ? "float32" : "int32";
}
inline constexpr std::size_t kNumberBytes = 4;  // of either

/// An array as its bytes, row-major, wherever they lie.
struct ArrayView {
  std::string name;
  NumberType type = NumberType::kFloat32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;
};

template <class Number>
[[nodiscard]] std::string_view bytes_of(std::span<const Number> numbers) {
  static_assert(sizeof(Number) == kNumberBytes);
  return {static_cast<const char*>(static_cast<const void*>(numbers.data())), numbers.size_bytes()};
}

/// A copy of the numbers, which in a file need not lie where a processor wants them.
template <class Number>
[[nodiscard]] std::vector<Number> numbers_of(const ArrayView& array) {
  static_assert(sizeof(Number) == kNumberBytes);
  std::vector<Number> numbers(array.bytes.size() / kNumberBytes);
  if (!numbers.empty()) std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

/// Texts beside arrays: what safetensors calls metadata.
using Metadata = std::map<std::string, std::string>;

/// The bytes that an array of this shape has; -1 where they are more than can be counted, or a size
/// is below 0.
[[nodiscard]] constexpr std::int64_t byte_count(const std::vector<std::int64_t>& shape) noexcept {
  std::int64_t bytes = kNumberBytes;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) return -1;
  }
  return bytes;
}

}  // namespace recollect
