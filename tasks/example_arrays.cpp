#include "tasks/example_arrays.hpp"

#include <bit>
#include <span>

#include "base/hash.hpp"

namespace recollect {

static_assert(std::endian::native == std::endian::little, "digests are of bytes as they lie");

std::string digest_of(const ExampleArrays& arrays) {
  const auto bytes = [](const std::vector<std::int32_t>& numbers) {
    return std::as_bytes(std::span(numbers));
  };
  return hex(digest_bytes({bytes(arrays.ids), bytes(arrays.positions), bytes(arrays.labels)}));
}

}  // namespace recollect
