#include "harness/store/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/text.hpp"
#include "harness/store/safetensors.hpp"

namespace recollect {
namespace {

std::size_t line_start(std::string_view text, std::size_t byte) {
  const std::size_t before = byte == 0 ? text.npos : text.rfind('\n', byte - 1);
  return before == text.npos ? 0 : before + 1;
}

std::string_view line_at(std::string_view text, std::size_t start) {
  return text.substr(start, text.find('\n', start) - start);
}

std::size_t line_number(std::string_view text, std::size_t byte) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte), '\n'));
}

/// The i-th value of a line; the tables of a cell quote none. "" where there is no such value.
std::string_view value_at(std::string_view line, std::size_t i) {
  for (; i > 0; --i) {
    const std::size_t comma = line.find(',');
    if (comma == line.npos) return {};
    line.remove_prefix(comma + 1);
  }
  return line.substr(0, line.find(','));
}

std::string place_in_table(std::string_view kept, std::string_view again, std::size_t byte) {
  // Up to here both are the same, so both lines start at the same byte.
  const std::size_t start = line_start(again, byte);
  const std::string_view before = again.substr(start, byte - start);
  const auto column = static_cast<std::size_t>(std::count(before.begin(), before.end(), ','));
  std::string place = fmt::format("line {}", line_number(again, byte));
  const std::string_view name = value_at(line_at(again, 0), column);
  if (start > 0 && !name.empty()) place += fmt::format(", column {}", printable(name));
  return place + fmt::format(", '{}' there and '{}' now",
                             printable(value_at(line_at(kept, start), column)),
                             printable(value_at(line_at(again, start), column)));
}

std::string place_in_text(std::string_view kept, std::string_view again, std::size_t byte) {
  const std::size_t start = line_start(again, byte);
  return fmt::format("line {}, '{}' there and '{}' now", line_number(again, byte),
                     printable(line_at(kept, start)), printable(line_at(again, start)));
}

std::string place_in_weights(std::string_view again, std::size_t byte) {
  std::uint64_t header = 0;
  for (int i = 7; i >= 0; --i) {
    header = header << 8 | static_cast<unsigned char>(again[static_cast<std::size_t>(i)]);
  }
  std::size_t end = 8 + static_cast<std::size_t>(header);
  if (byte < end) return "in the header";
  for (const NamedTensor& tensor : parse_safetensors(again, "weights").tensors) {
    const std::size_t begin = end;
    end += tensor.data.size() * sizeof(float);
    if (byte < end) {
      return fmt::format("in the tensor {}, value {}", tensor.name, (byte - begin) / sizeof(float));
    }
  }
  return "after the last tensor";
}

}  // namespace

std::optional<Difference> first_difference(std::string_view name, std::string_view kept,
                                           std::string_view again) {
  if (kept == again) return std::nullopt;
  const auto [at, other] = std::mismatch(kept.begin(), kept.end(), again.begin(), again.end());
  Difference difference;
  difference.byte = static_cast<std::size_t>(at - kept.begin());
  if (at == kept.end()) {
    difference.place =
        fmt::format("where it ends, though {} bytes are to follow", again.size() - difference.byte);
  } else if (other == again.end()) {
    difference.place =
        fmt::format("where it should end, but {} bytes follow", kept.size() - difference.byte);
  } else if (name.ends_with(".csv")) {
    difference.place = place_in_table(kept, again, difference.byte);
  } else if (name.ends_with(".safetensors")) {
    difference.place = place_in_weights(again, difference.byte);
  } else {
    difference.place = place_in_text(kept, again, difference.byte);
  }
  return difference;
}

}  // namespace recollect
