// Settings of tasks that are refused, and the sentences that say so.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
TEST_CASE("tasks: every error of mqar names values, bound and remedy") {
  const auto error = [](const std::function<void(MqarSettings&)>& change) {
    MqarSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 0; }) ==
        "length = 0 is not in 1..16777216; raise it to 1 at least");
  CHECK(error([](auto& s) { s.length = 16777217; }) ==
        "length = 16777217 is not in 1..16777216; lower it to 16777216 at most");
  CHECK(error([](auto& s) { s.vocab = 2; }) ==
        "vocab = 2 is not in 4..2097152; raise it to 4 at least");
  CHECK(error([](auto& s) { s.vocab = 2097154; }) ==
        "vocab = 2097154 is not in 4..2097152; lower it to 2097152 at most");
  CHECK(error([](auto& s) { s.vocab = 127; }) ==
        "vocab = 127 must be even, since half of the ids are values; use 126 or 128");
  CHECK(error([](auto& s) { s.pairs = 0; }) ==
        "pairs = 0 is not in 1..1048575; raise it to 1 at least");
  CHECK(error([](auto& s) { s.pairs = 1048576; }) ==
        "pairs = 1048576 is not in 1..1048575; lower it to 1048575 at most");
  CHECK(
      error([](auto& s) { s.pairs = 64; }) ==
      "pairs = 64 needs 64 different keys, but vocab 128 has 63; lower it to 63 or raise vocab to "
      "130");
  CHECK(error([](auto& s) { s.offset = 2; }) == "offset = 2 is not in 0..1; lower it to 1 at most");
  CHECK(error([](auto& s) { s.offset = -1; }) ==
        "offset = -1 is not in 0..1; raise it to 0 at least");
  CHECK(
      error([](auto& s) { s.pairs = 40; }) ==
      "pairs = 40 needs 4*40 + offset 0 = 160 tokens with layout packed, but length is 128; lower "
      "it to 32 or raise length to 160");
  CHECK(
      error([](auto& s) {
        s.pairs = 32;
        s.offset = 1;
      }) ==
      "pairs = 32 needs 4*32 + offset 1 = 129 tokens with layout packed, but length is 128; lower "
      "it to 31 or raise length to 129");
  CHECK(error([](auto& s) { s.length = 3; }) ==
        "pairs = 8 needs 4*8 + offset 0 = 32 tokens with layout packed, but length is 3; raise "
        "length to 32");
  CHECK(error([](auto& s) {
          s.layout = MqarLayout::kPowerLaw;
          s.pairs = 40;
        }) ==
        "pairs = 40 needs 40 two-token slots after the pairs with layout power-law, but length 128 "
        "and offset 0 leave 24; lower it to 32 or raise length to 160");
  CHECK(error([](auto& s) {
          s.layout = MqarLayout::kPowerLaw;
          s.length = 4;
          s.offset = 1;
        }) ==
        "pairs = 8 needs 8 two-token slots after the pairs with layout power-law, but length 4 and "
        "offset 1 leave 0; raise length to 33");
}

TEST_CASE("tasks: every error of selective-copying names values, bound and remedy") {
  const auto error = [](CopyingDialect dialect,
                        const std::function<void(SelectiveCopyingSettings&)>& change) {
    SelectiveCopyingSettings settings;
    settings.dialect = dialect;
    change(settings);
    return message_of(settings);
  };
  for (const CopyingDialect dialect : kDialects) CHECK(error(dialect, [](auto&) {}) == "");
  CHECK(error(CopyingDialect::kMad, [](auto& s) { s.length = -1; }) ==
        "length = -1 is not in 1..16777216; raise it to 1 at least");
  CHECK(error(CopyingDialect::kMad, [](auto& s) { s.length = 16777217; }) ==
        "length = 16777217 is not in 1..16777216; lower it to 16777216 at most");
  CHECK(error(CopyingDialect::kMamba, [](auto& s) { s.tokens = 0; }) ==
        "tokens = 0 is not in 1..1048576; raise it to 1 at least");
  CHECK(error(CopyingDialect::kMamba, [](auto& s) { s.tokens = 1048577; }) ==
        "tokens = 1048577 is not in 1..1048576; lower it to 1048576 at most");
  CHECK(error(CopyingDialect::kMad, [](auto& s) { s.vocab = 2; }) ==
        "vocab = 2 is not in 3..2097152; raise it to 3 at least");
  CHECK(error(CopyingDialect::kMamba, [](auto& s) { s.vocab = 2097153; }) ==
        "vocab = 2097153 is not in 3..2097152; lower it to 2097152 at most");
  CHECK(error(CopyingDialect::kAdaptive, [](auto& s) { s.vocab = 64; }) ==
        "vocab = 64 must be 128 with dialect adaptive, which defines the ids; leave it out or use "
        "dialect mad or mamba");
  CHECK(
      error(CopyingDialect::kAdaptive, [](auto& s) { s.tokens = 64; }) ==
      "tokens = 64 needs 64 different data tokens, but dialect adaptive has 63; lower it to 63 or "
      "use dialect mad or mamba, which repeat tokens");
  CHECK(
      error(CopyingDialect::kAdaptive, [](auto& s) { s.length = 32; }) ==
      "tokens = 16 needs 2*16 + 1 = 33 positions with dialect adaptive, but length is 32; lower it "
      "to 15 or raise length to 33");
  CHECK(error(CopyingDialect::kMad, [](auto& s) { s.length = 2; }) ==
        "tokens = 16 needs 2*16 + 1 = 33 positions with dialect mad, but length is 2; raise length "
        "to 33");
  CHECK(
      error(CopyingDialect::kMamba, [](auto& s) { s.length = 31; }) ==
      "tokens = 16 needs 2*16 = 32 positions with dialect mamba, but length is 31; lower it to 15 "
      "or raise length to 32");
}

}  // namespace recollect
