#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "tests/fuzz/properties.hpp"
#include "tests/support/places.hpp"

// Inputs that fuzzers start from, and those with which they once found something.

namespace recollect {
namespace {

/// Files named good-* must be accepted: a fuzzer that starts from refused inputs sees little.
void check_seeds(const std::string& reader, Outcome (*property)(std::string_view)) {
  int good = 0;
  const std::filesystem::path folder = source_folder() / "tests" / "fuzz" / "seeds" / reader;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CAPTURE(entry.path().string());
    const Outcome outcome = property(read_file(entry.path()));
    CHECK(outcome.failure == "");
    if (!entry.path().filename().string().starts_with("good-")) continue;
    CHECK(outcome.accepted);
    ++good;
  }
  CHECK(good > 0);
}

TEST_CASE("fuzz: kept arrays hold their property") { check_seeds("arrays", check_arrays); }

TEST_CASE("fuzz: kept configurations hold their property") {
  check_seeds("config", check_configuration);
}

TEST_CASE("fuzz: kept tables hold their property") { check_seeds("csv", check_table); }

TEST_CASE("fuzz: kept weights and states hold their property") {
  check_seeds("checkpoint", check_weights_file);
}

}  // namespace
}  // namespace recollect
