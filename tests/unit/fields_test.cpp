#include "base/fields.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"

using namespace recollect;

namespace {

enum class Colour { kRed, kGreen };

struct Options {
  std::int64_t count = 8;
  double rate = 1e-3;
  bool flag = true;
  std::string word = "some text";
  std::optional<std::int64_t> seed;
  std::optional<double> stop;
  std::vector<std::int64_t> lengths = {64, 128};
  std::vector<double> betas = {0.9, 0.999};
  Colour colour = Colour::kGreen;
};

}  // namespace

TEST_CASE("fields: every kind of member names its type and writes its value as YAML") {
  Options options;
  const auto check = [](const Field& made, const char* type, const char* text) {
    CHECK(made.type() == type);
    CHECK(made.text() == text);
  };
  check(field("count", options.count, ""), "int", "8");
  check(field("rate", options.rate, ""), "real", "0.001");
  check(field("flag", options.flag, ""), "bool", "true");
  check(field("word", options.word, ""), "string", "some text");
  check(field("seed", options.seed, ""), "int", "");
  check(field("stop", options.stop, ""), "real", "");
  check(field("lengths", options.lengths, ""), "list of int", "[64, 128]");
  check(field("betas", options.betas, ""), "list of real", "[0.9, 0.999]");
  check(field("betas", options.betas, "").or_word("usual"), "list of real or usual",
        "[0.9, 0.999]");
  check(choice("colour", options.colour, {"red", "green"}, ""), "one of red, green", "green");
  check(field("seed", options.seed, "").or_word("online"), "int or online", "online");
  options.betas.clear();
  check(field("betas", options.betas, "").or_word("usual"), "list of real or usual", "usual");
  options.seed = 3;
  check(field("seed", options.seed, "").or_word("online"), "int or online", "3");
}

TEST_CASE("fields: a choice reads and writes the member that it was declared on") {
  Options options;
  const Field made = choice("colour", options.colour, {"red", "green"}, "");
  std::get<ChoiceRef>(made.value).set(0);
  CHECK(options.colour == Colour::kRed);
  CHECK(made.text() == "red");
}

TEST_CASE("fields: bounds say what is included") {
  Options options;
  CHECK(field("count", options.count, "").range(1, 63).bounds_text() == "1..63");
  CHECK(field("count", options.count, "").range(0, 1e9).bounds_text() == "0..1000000000");
  CHECK(field("rate", options.rate, "").above(0, 0.5).bounds_text() == "> 0 and <= 0.5");
  CHECK(field("betas", options.betas, "").below(0, 1).bounds_text() == ">= 0 and < 1");
  CHECK(field("count", options.count, "").bounds_text().empty());
  CHECK_FALSE(field("count", options.count, "").bounded());
  CHECK(field("betas", options.betas, "").size(2).exact_size == 2);
  CHECK(field("seed", options.seed, "").when_absent("the cell's seed").derived ==
        "the cell's seed");
}

TEST_CASE("fields: reals are written in the shortest form that reads back to the same bits") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(1.0 / 3.0) == "0.3333333333333333");
  CHECK(std::stod(shortest(std::numeric_limits<double>::min())) ==
        std::numeric_limits<double>::min());
  // Readers of YAML 1.1 take a number without a point before its exponent for a word.
  Options options;
  options.rate = 1e-8;
  CHECK(field("rate", options.rate, "").text() == "1.0e-08");
}

TEST_CASE("error: the nearest name is a plausible typo or nothing") {
  const std::vector<std::string> known = {"length", "pairs", "short_conv", "mlp"};
  CHECK(nearest_name("pair", known) == "pairs");
  CHECK(nearest_name("lenght", known) == "length");
  CHECK(nearest_name("shortconv", known) == "short_conv");
  CHECK(nearest_name("learning_rate", known).empty());
  CHECK(nearest_name("lr", known).empty());
  CHECK(nearest_name("", known).empty());
  CHECK(nearest_name("pairs", {}).empty());
  CHECK(nearest_name(std::string(100000, 'x'), known).empty());
}

TEST_CASE("error: each kind leads to its exit status") {
  CHECK(ConfigError("x").status() == ExitStatus::kConfiguration);
  CHECK(IoError("x").status() == ExitStatus::kInputOutput);
  const FieldError error("pairs", "= 40 is too many");
  CHECK(error.status() == ExitStatus::kConfiguration);
  CHECK(std::string(error.what()) == "pairs = 40 is too many");
}

TEST_CASE("hash: XXH3 of 64 bits, as published") {
  CHECK(hex(hash_text("")) == "2d06800538d394c2");  // from the xxHash specification's test vectors
  CHECK(hash_text("a") != hash_text("b"));
  const std::vector<std::byte> bytes = {std::byte{'a'}};
  CHECK(hash_bytes(bytes) == hash_text("a"));
  CHECK(hex(0) == "0000000000000000");
  CHECK(hex(0x0123456789abcdefULL) == "0123456789abcdef");
}
