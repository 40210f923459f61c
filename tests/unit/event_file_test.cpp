#include "harness/store/event_file.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/crc32c.hpp"

namespace recollect {
namespace {

TEST_CASE("crc32c: the examples of RFC 3720, appendix B.4, and the usual check") {
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(crc32c(up) == 0x46dd794e);
  CHECK(crc32c(down) == 0x113fdb5c);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c("") == 0);
}

TEST_CASE("event file: begins as those of TensorFlow do, and holds what the format says") {
  const std::string file = event_file({{300, {{"loss", 0.5}}}});
  // Every event file of TensorFlow begins with these twelve bytes: 24 bytes follow, and the masked
  // checksum of that number.
  CHECK(file.substr(0, 12) == std::string("\x18\0\0\0\0\0\0\0\xa3\x7fK\"", 12));
  CHECK(file.substr(12, 24) == std::string("\x09\0\0\0\0\0\0\0\0\x1a\x0d", 11) + "brain.Event:2");
  // wall_time 0, step 300, then a summary of one value: its tag and 0.5 in single precision.
  const std::string event = std::string("\x09\0\0\0\0\0\0\0\0", 9) + "\x10\xac\x02" + "\x2a\x0d" +
                            "\x0a\x0b" + "\x0a\x04loss" + std::string("\x15\0\0\0\x3f", 5);
  CHECK(file.substr(12 + 24 + 4 + 12, event.size()) == event);
  CHECK(file.size() == 12 + 24 + 4 + 12 + event.size() + 4);
  CHECK(file == event_file({{300, {{"loss", 0.5}}}}));
}

}  // namespace
}  // namespace recollect
