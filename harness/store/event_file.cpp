#include "harness/store/event_file.hpp"

#include <bit>
#include <string_view>

#include "base/crc32c.hpp"

namespace recollect {
namespace {

// The messages are written by hand: protobuf would be a compiler of its own in every build, for
// four kinds of fields. With numbers of fields, they are
//
//   Event    1 wall_time (double)   2 step (int64)   3 file_version (string)   5 summary (Summary)
//   Summary  1 value (Value, repeated)
//   Value    1 tag (string)         2 simple_value (float)
//
// A field is its key, number * 8 + wire type, then its value: type 0 a varint, seven bits a byte,
// the lowest first, with the top bit set in all bytes but the last; type 1 eight bytes, type 5
// four, little endian; type 2 a varint that says how many bytes follow. A number that is 0 may be
// left out, which wall_time is not: a reader is to see that it is there.
enum WireType : std::uint64_t { kVarint = 0, kEightBytes = 1, kBytes = 2, kFourBytes = 5 };

/// The lowest `count` bytes, little endian.
void add_bytes(std::string& out, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void add_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

void add_key(std::string& out, std::uint64_t number, WireType type) {
  add_varint(out, number * 8 + type);
}

void add_message(std::string& out, std::uint64_t number, std::string_view bytes) {
  add_key(out, number, kBytes);
  add_varint(out, bytes.size());
  out += bytes;
}

std::string event_at(std::int64_t step) {
  std::string event;
  add_key(event, 1, kEightBytes);
  add_bytes(event, 0, 8);
  if (step != 0) {
    add_key(event, 2, kVarint);
    add_varint(event, static_cast<std::uint64_t>(step));
  }
  return event;
}

std::string summary_of(const ScalarEvent& event) {
  std::string summary;
  for (const auto& [tag, number] : event.scalars) {
    std::string value;
    add_message(value, 1, tag);
    add_key(value, 2, kFourBytes);
    add_bytes(value, std::bit_cast<std::uint32_t>(static_cast<float>(number)), 4);
    add_message(summary, 1, value);
  }
  return summary;
}

/// A checksum as records hold it: masked, as the checksum of bytes that hold their own is of no
/// use.
std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kDelta = 0xa282ead8;
  return std::rotr(crc32c(bytes), 15) + kDelta;
}

/// A record: the length in eight bytes, its checksum, the bytes, their checksum.
void add_record(std::string& file, std::string_view bytes) {
  std::string length;
  add_bytes(length, bytes.size(), 8);
  file += length;
  add_bytes(file, masked_crc(length), 4);
  file += bytes;
  add_bytes(file, masked_crc(bytes), 4);
}

}  // namespace

std::string event_file(const std::vector<ScalarEvent>& events) {
  std::string file;
  std::string first = event_at(0);
  add_message(first, 3, "brain.Event:2");
  add_record(file, first);
  for (const ScalarEvent& event : events) {
    std::string bytes = event_at(event.step);
    add_message(bytes, 5, summary_of(event));
    add_record(file, bytes);
  }
  return file;
}

}  // namespace recollect
