#include "harness/arrays/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kLongestText = 1 << 24;
// NumPy writes a few hundred bytes and reads ten thousand; its arrays have 64 dimensions at most.
constexpr std::size_t kLongestHeader = 1 << 16;
constexpr std::size_t kMostDimensions = 64;

/// A file with this type, shape (as Python writes it) and data.
std::string file_of(std::string_view type, std::string_view shape, std::string_view data) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, shape);
  const std::size_t before = kMagic.size() + 4;
  const std::size_t whole = (before + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.resize(whole - before - 1, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 255U),
           static_cast<char>(header.size() >> 8U)};
  file += header;
  file += data;
  return file;
}

std::string tuple_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += fmt::format("{}, ", size);
  if (shape.size() > 1) text.resize(text.size() - 2);
  if (shape.size() == 1) text.resize(text.size() - 1);  // "(5,)"
  return fmt::format("({})", text);
}

/// Code points in four bytes each, as NumPy keeps texts. Of a byte that is no UTF-8 a '?'.
std::string utf32_of(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t length = utf8_length(utf8.substr(i));
    std::uint32_t point = '?';
    if (length > 0) {
      constexpr std::uint32_t kFirstBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
      point = static_cast<unsigned char>(utf8[i]) & kFirstBits[length];
      for (std::size_t k = 1; k < length; ++k) {
        point = point << 6U | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
      }
    }
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(point >> shift & 255U);
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    text += static_cast<char>(0x80U | (point >> shift & 0x3FU));
  };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0U | point >> 6U);
    tail(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0U | point >> 12U);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0U | (point >> 18U & 7U));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// What NumPy fills a text up with.
std::string_view without_zeros(std::string_view text, std::size_t unit) {
  const std::size_t last = text.find_last_not_of('\0');
  const std::size_t size = last == text.npos ? 0 : last + 1;
  return text.substr(0, (size + unit - 1) / unit * unit);
}

/// None for an invalid character.
std::optional<std::string> utf8_of(std::string_view utf32) {
  std::string text;
  for (std::size_t i = 0; i + 4 <= utf32.size(); i += 4) {
    std::uint32_t point = 0;
    std::memcpy(&point, utf32.data() + i, sizeof point);
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    if (point == 0 || point > 0x10FFFF || surrogate) return std::nullopt;
    append_utf8(text, point);
  }
  return text;
}

std::optional<std::string> checked_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = utf8_length(bytes.substr(i));
    if (length == 0 || bytes[i] == '\0') return std::nullopt;
    i += length;
  }
  return std::string(bytes);
}

/// Reads the header: what a dict of these three keys, as Python writes it, can hold.
class Header {
 public:
  Header(std::string_view text, const std::string& where) : text_(text), where_(where) { read(); }

  std::string type;
  bool fortran = false;
  std::vector<std::int64_t> shape;

 private:
  [[noreturn]] void reject() const {
    throw IoError(
        fmt::format("{}: not a valid .npy file: its header is {}", where_, printable(text_)));
  }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) reject();
  }

  std::string quoted() {
    skip();
    const char mark = at_ < text_.size() ? text_[at_] : ' ';
    const std::size_t end = text_.find(mark, at_ + 1);
    if ((mark != '\'' && mark != '"') || end == text_.npos) reject();
    std::string word(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return word;
  }

  std::int64_t size() {
    skip();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto read = std::from_chars(begin, text_.data() + text_.size(), value);
    if (read.ec != std::errc() || value < 0) reject();
    at_ += static_cast<std::size_t>(read.ptr - begin);
    return value;
  }

  void read() {
    unsigned keys = 0;
    const auto once = [&](unsigned bit) {
      if ((keys & bit) != 0) reject();
      keys |= bit;
    };
    expect("{");
    while (!take("}")) {
      const std::string key = quoted();
      expect(":");
      if (key == "descr") {
        once(1);
        type = quoted();
      } else if (key == "fortran_order") {
        once(2);
        fortran = take("True");
        if (!fortran) expect("False");
      } else if (key == "shape") {
        once(4);
        expect("(");
        while (!take(")")) {
          if (shape.size() == kMostDimensions) reject();
          shape.push_back(size());
          if (!take(",")) {
            expect(")");
            break;
          }
        }
      } else {
        reject();
      }
      if (!take(",")) {
        expect("}");
        break;
      }
    }
    skip();
    if (keys != 7 || at_ != text_.size()) reject();
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

/// "<U5": the 5; none where the type is no text.
std::optional<std::int64_t> letters_of(std::string_view type) {
  if (!type.starts_with("<U") && !type.starts_with("|S")) return std::nullopt;
  std::int64_t letters = 0;
  const char* end = type.data() + type.size();
  const auto read = std::from_chars(type.data() + 2, end, letters);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return letters;
}

}  // namespace

std::string encode_npy(const ArrayView& array) {
  return file_of(array.type == NumberType::kInt32 ? "<i4" : "<f4", tuple_of(array.shape),
                 array.bytes);
}

std::string encode_npy_text(std::string_view utf8) {
  const std::string points = utf8.empty() ? std::string(4, '\0') : utf32_of(utf8);
  return file_of(fmt::format("<U{}", points.size() / 4), "()", points);
}

std::variant<ArrayView, std::string> parse_npy(std::string_view file, const std::string& name,
                                               const std::string& where) {
  const auto reject = [&](const std::string& what) {
    return IoError(fmt::format("{}: not a valid .npy file: {}", where, what));
  };
  if (!file.starts_with(kMagic)) throw reject("it does not begin like one");
  if (file.size() < 12) throw reject(fmt::format("truncated: {} bytes", file.size()));
  const auto byte = [&](std::size_t at) -> std::size_t {
    return static_cast<unsigned char>(file[at]);
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) throw reject(fmt::format("version {} of the format", version));
  const std::size_t begin = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8U;
  if (version > 1) length |= byte(10) << 16U | byte(11) << 24U;
  if (length > file.size() - begin) throw reject("truncated within its header");
  if (length > kLongestHeader) {
    throw reject(
        fmt::format("a header of {} bytes; none has more than {}", length, kLongestHeader));
  }
  const Header header(file.substr(begin, length), where);
  const std::string_view data = file.substr(begin + length);

  if (const std::optional<std::int64_t> letters = letters_of(header.type)) {
    const bool wide = header.type.front() == '<';
    if (!header.shape.empty() || *letters < 0 || *letters > kLongestText ||
        data.size() != static_cast<std::size_t>(*letters) * (wide ? 4 : 1)) {
      throw reject("its text is not one text of the size that its header says");
    }
    std::optional<std::string> text =
        wide ? utf8_of(without_zeros(data, 4)) : checked_utf8(without_zeros(data, 1));
    if (!text) throw reject("its text has an invalid Unicode character");
    return std::move(*text);
  }
  ArrayView array{name, NumberType::kInt32, header.shape, data};
  if (header.type == "<f4") {
    array.type = NumberType::kFloat32;
  } else if (header.type != "<i4") {
    throw IoError(
        fmt::format("{}: is of type {}; only int32 and float32, little-endian, can be "
                    "read: save it as .astype('int32') or .astype('float32')",
                    where, printable(header.type)));
  }
  if (header.fortran && header.shape.size() > 1) {
    throw IoError(
        fmt::format("{}: is in Fortran order; save numpy.ascontiguousarray() of it", where));
  }
  const std::int64_t bytes = byte_count(header.shape);
  if (bytes != static_cast<std::int64_t>(data.size())) {
    throw reject(fmt::format("{} bytes of data, but its shape {} needs {}", data.size(),
                             printable(tuple_of(header.shape)),
                             bytes < 0 ? "more than there can be" : std::to_string(bytes)));
  }
  return array;
}

}  // namespace recollect
