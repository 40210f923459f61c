#include "harness/config/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace recollect {

namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxKeys = 1000;  // of one map, whose keys are compared with each other

// Where a message says that a line is: a line of a file, or an override as a whole.
class Places {
 public:
  Places(std::string name, bool has_lines) : name_(std::move(name)), has_lines_(has_lines) {}
  /// @param line  from 0, as yaml-cpp counts
  [[nodiscard]] std::string line(int line) const {
    return has_lines_ ? fmt::format("{}:{}", name_, std::max(line, 0) + 1) : name_;
  }

 private:
  std::string name_;
  bool has_lines_;
};

// What no YAML parser should be asked to read.
void check_bytes(const std::string& text, const Places& places) {
  int line = 0;
  bool indent = true;
  bool tab = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t length = utf8_length(std::string_view(text).substr(i));
    const bool control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
    if (length == 0 || control) {
      throw ConfigError(
          fmt::format("{}: byte 0x{:02X} is not text; a configuration is a UTF-8 file",
                      places.line(line), static_cast<unsigned char>(c)));
    }
    if (c == '\n') {
      ++line;
      indent = true;
      tab = false;
    } else if (indent && c == '\t') {
      tab = true;
    } else if (indent && c != ' ' && c != '\r') {
      if (tab && c != '#') {
        throw ConfigError(fmt::format(
            "{}: the line is indented with a tab; YAML takes spaces alone", places.line(line)));
      }
      indent = false;
    }
    i += length;
  }
}

// Builds the tree from the parser's events. yaml-cpp's own tree keeps duplicate keys, and is built
// by recursion before anyone can look at its depth.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Places& places, std::size_t most_values)
      : places_(places), most_values_(most_values) {}

  [[nodiscard]] YamlValue take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw ConfigError(
          fmt::format("{}: a second YAML document starts here; a configuration is one "
                      "document, so split the file",
                      places_.line(mark.line)));
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(mark, YamlValue::Kind::kNull), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw ConfigError(
          fmt::format("{}: an alias stands inside its own anchor; write the value out",
                      places_.line(mark.line)));
    }
    values_ += found->second.second;
    check_size(mark);
    const YamlValue copy = found->second.first;
    add(copy, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check_tag(mark, tag);
    check_text(mark, text);
    YamlValue value = make(mark, YamlValue::Kind::kScalar);
    value.text = text;
    value.quoted = tag == "!";
    add(std::move(value), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open(mark, YamlValue::Kind::kList, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open(mark, YamlValue::Kind::kMap, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlValue value;
    YAML::anchor_t anchor;
    std::size_t values_before;
    std::optional<YamlEntry> entry;  // a key that waits for its value
  };

  YamlValue make(const YAML::Mark& mark, YamlValue::Kind kind) {
    ++values_;
    check_size(mark);
    YamlValue value;
    value.kind = kind;
    value.place = places_.line(mark.line);
    return value;
  }

  void check_size(const YAML::Mark& mark) const {
    if (values_ > most_values_) {
      throw ConfigError(fmt::format("{}: the document holds more than {} values",
                                    places_.line(mark.line), most_values_));
    }
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw ConfigError(fmt::format("{}: tag '{}' is not supported; write the value without it",
                                    places_.line(mark.line), printable(tag)));
    }
  }

  // The file is UTF-8, but yaml-cpp makes bytes that are not of two of YAML's escapes.
  void check_text(const YAML::Mark& mark, const std::string& text) const {
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = utf8_length(std::string_view(text).substr(i));
      if (length == 0) {
        throw ConfigError(
            fmt::format("{}: the escapes \\N and \\_ are not supported; write \\x85 or \\xA0",
                        places_.line(mark.line)));
      }
      i += length;
    }
  }

  void open(const YAML::Mark& mark, YamlValue::Kind kind, YAML::anchor_t anchor) {
    if (frames_.size() >= kMaxDepth) {
      throw ConfigError(fmt::format("{}: nested more than {} deep; no configuration is",
                                    places_.line(mark.line), kMaxDepth));
    }
    const std::size_t before = values_;
    frames_.push_back({make(mark, kind), anchor, before, std::nullopt});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.anchor != 0) {
      anchors_[frame.anchor] = {frame.value, values_ - frame.values_before};
    }
    add(std::move(frame.value), 0);
  }

  void add(YamlValue value, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = {value, 1};
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.kind == YamlValue::Kind::kList) {
      frame.value.items.push_back(std::move(value));
    } else if (frame.entry) {
      frame.entry->value = std::move(value);
      // A missing value is marked where the next token stands, lines below its key.
      if (frame.entry->value.kind == YamlValue::Kind::kNull) {
        frame.entry->value.place = frame.entry->place;
      }
      frame.value.entries.push_back(std::move(*frame.entry));
      frame.entry.reset();
    } else {
      frame.entry = key(frame.value, value);
    }
  }

  static YamlEntry key(const YamlValue& map, const YamlValue& value) {
    if (value.kind != YamlValue::Kind::kScalar || value.text.empty()) {
      throw ConfigError(fmt::format("{}: {} stands where a key belongs; write `key: value`",
                                    value.place, value.shown()));
    }
    if (value.text == "<<" && !value.quoted) {
      throw ConfigError(
          fmt::format("{}: merge keys (<<) are not supported; write the keys out", value.place));
    }
    if (map.entries.size() >= kMaxKeys) {
      throw ConfigError(fmt::format("{}: a map of more than {} keys", value.place, kMaxKeys));
    }
    for (const YamlEntry& other : map.entries) {
      if (other.key == value.text) {
        throw ConfigError(fmt::format("{}: key '{}' is given twice, first at {}; keep one",
                                      value.place, printable(value.text), other.place));
      }
    }
    return {value.text, value.place, {}};
  }

  const Places& places_;
  std::size_t most_values_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, std::pair<YamlValue, std::size_t>> anchors_;
  YamlValue root_;
  std::size_t values_ = 0;
  int documents_ = 0;
};

YamlValue parse(const std::string& text, const Places& places, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    throw ConfigError(
        fmt::format("{}: {} bytes, more than {}", places.line(0), text.size(), limits.bytes));
  }
  check_bytes(text, places);
  TreeBuilder builder(places, limits.values);
  try {
    // yaml-cpp takes the end of the file for the end of a quoted text, but not a document's end.
    std::istringstream stream(text + "\n...\n");
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const bool open_quote = error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    const int last = text.ends_with('\n') ? lines - 1 : lines;
    throw ConfigError(fmt::format("{}: not valid YAML: {}",
                                  places.line(std::min(error.mark.line, last)),
                                  open_quote ? "a quote is never closed" : printable(error.msg)));
  }
  return builder.take();
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-+./").find(c) != std::string_view::npos;
  });
}

}  // namespace

const YamlValue* YamlValue::find(std::string_view key) const noexcept {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string YamlValue::shown() const {
  return printable(kind == Kind::kScalar ? text : yaml_flow(*this));
}

std::string read_configuration_file(const std::string& path) {
  return read_file(path, YamlLimits{}.bytes, "configuration");
}

YamlValue parse_yaml(const std::string& text, const std::string& name, const YamlLimits& limits) {
  return parse(text, Places(printable(name, kWhole), true), limits);
}

YamlValue parse_yaml_at(const std::string& text, const std::string& place) {
  return parse(text, Places(place, false), YamlLimits{});
}

std::string yaml_quoted(std::string_view text) {
  constexpr std::array<std::string_view, 4> kNulls = {"null", "Null", "NULL", "~"};
  const bool plain = is_plain(text) && text.front() != '-' && text.front() != '+' &&
                     text.front() != '.' &&
                     std::find(kNulls.begin(), kNulls.end(), text) == kNulls.end();
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02X}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string yaml_flow(const YamlValue& value) {
  std::string out;
  switch (value.kind) {
    case YamlValue::Kind::kNull:
      return "null";
    case YamlValue::Kind::kScalar:
      // A number keeps its sign in front, which a quoted text must not.
      return !value.quoted && is_plain(value.text) ? value.text : yaml_quoted(value.text);
    case YamlValue::Kind::kList:
      for (const YamlValue& item : value.items) {
        out += out.empty() ? "" : ", ";
        out += yaml_flow(item);
      }
      return fmt::format("[{}]", out);
    case YamlValue::Kind::kMap:
      for (const YamlEntry& entry : value.entries) {
        out += out.empty() ? "" : ", ";
        out += yaml_quoted(entry.key);
        out += ": ";
        out += yaml_flow(entry.value);
      }
      return fmt::format("{{{}}}", out);
  }
  return out;
}

}  // namespace recollect
