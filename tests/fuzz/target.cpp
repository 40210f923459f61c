#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/properties.hpp"

// What libFuzzer calls with each input. RECOLLECT_FUZZ_PROPERTY is one of those of properties.hpp.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const recollect::Outcome outcome = recollect::RECOLLECT_FUZZ_PROPERTY(bytes);
  if (outcome.failure.empty()) return 0;
  std::fprintf(stderr, "property does not hold: %s\n", outcome.failure.c_str());
  std::abort();
}
