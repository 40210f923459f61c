#include "harness/show/example_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/fields.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

constexpr std::size_t kWidestProse = 100;
constexpr std::string_view kLabelName = "label";
constexpr std::string_view kKindName = "kind";

std::size_t digits(std::int64_t value) { return fmt::formatted_size("{}", value); }

std::string without_blanks_at_end(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

/// A line of at most `width` columns, in pieces where it is longer.
void append_cut(std::string& out, std::string_view line, std::size_t width) {
  std::size_t used = 0;
  while (!line.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(line), 1);
    if (used + length > width) {
      out += '\n';
      used = 0;
    }
    out += line.substr(0, length);
    used += length;
    line.remove_prefix(length);
  }
}

/// "name      text" in lines of at most `width` columns, those that follow below the text.
std::string prose(std::string_view name, std::string_view text, std::size_t width) {
  width = std::min(width, kWidestProse);
  // wrapped() looks for a second column in lines that begin with a blank alone, so they do here.
  const std::string lines = wrapped(fmt::format(" {:<9} {}", name, text), width + 1);
  std::string out;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    append_cut(out, std::string_view(lines).substr(begin + 1, end - begin - 1), width);
    out += '\n';
    begin = end + 1;
  }
  return out;
}

std::string heading(const ShownExample& shown, std::size_t width) {
  const std::string length =
      shown.length == shown.trained_length
          ? ""
          : fmt::format("length {} (trained at {}), ", shown.length, shown.trained_length);
  std::string text = prose("task", shown.task, width);
  text += prose("example",
                fmt::format("{} in 0..{}, split {}, {}data_seed {}", shown.index,
                            shown.examples - 1, name_of(shown.split), length, shown.data_seed),
                width);
  text += prose("cell",
                fmt::format("{} of {}: {}, seed {}", shown.cell_number, shown.cells,
                            printable(shown.variant, kWhole), shown.seed),
                width);
  if (shown.kinds.size() > 1) {
    std::vector<std::string> kinds;
    for (const TokenKind& kind : shown.kinds) {
      kinds.push_back(fmt::format("{} {}", kind.mark, kind.name));
    }
    text += prose("kinds", fmt::format("{}", fmt::join(kinds, ", ")), width);
  }
  return text;
}

/// Ids in rows. A row holds a power of two of them, so that blocks of the hierarchy line up.
std::string token_rows(const ShownExample& shown, std::size_t width) {
  const Example& example = shown.example;
  const std::size_t gutter = std::max(digits(shown.length - 1), kLabelName.size());
  const std::size_t cell = digits(shown.vocab - 1) + 1;
  const std::size_t each = std::bit_floor(std::max<std::size_t>((width - gutter) / cell, 1));
  std::string text;
  std::size_t r = 0;  // scored positions before this row
  for (std::size_t begin = 0; begin < example.ids.size(); begin += each) {
    const std::size_t end = std::min(begin + each, example.ids.size());
    std::string ids = fmt::format("{:>{}}", begin, gutter);
    std::string kinds = fmt::format("{:>{}}", kKindName, gutter);
    std::string labels = fmt::format("{:>{}}", kLabelName, gutter);
    bool is_scored = false;
    for (std::size_t p = begin; p < end; ++p) {
      ids += fmt::format("{:>{}}", example.ids[p], cell);
      kinds +=
          fmt::format("{:>{}}", shown.kinds[static_cast<std::size_t>(shown.kind_of[p])].mark, cell);
      const bool here = r < shown.scored() && example.positions[r] == static_cast<std::int32_t>(p);
      labels += here ? fmt::format("{:>{}}", example.labels[r], cell) : std::string(cell, ' ');
      is_scored = is_scored || here;
      if (here) ++r;
    }
    text += ids + '\n';
    if (shown.kinds.size() > 1) text += without_blanks_at_end(std::move(kinds)) + '\n';
    if (is_scored) text += without_blanks_at_end(std::move(labels)) + '\n';
  }
  return text;
}

/// What is known of each scored position, under a name.
struct ScoredLine {
  std::string name;
  std::vector<std::string> values;  ///< (R) each ends with a mark or a blank
};

ScoredLine tag_line(std::string_view name, std::size_t scored, std::size_t tag, std::size_t tags,
                    std::span<const std::int32_t> values) {
  ScoredLine line{fmt::format("tag {}", name), {}};
  for (std::size_t r = 0; r < scored; ++r) {
    const std::int32_t value = values[r * tags + tag];
    line.values.push_back(value == kNoTag ? "- " : fmt::format("{} ", value));
  }
  return line;
}

ScoredLine rule_line(const ShownExample& shown, std::size_t rule) {
  ScoredLine line{fmt::format("rule {}", shown.rules[rule]), {}};
  for (std::size_t r = 0; r < shown.scored(); ++r) {
    const std::int32_t answer = shown.answers[r * shown.rules.size() + rule];
    const bool right = answer == shown.example.labels[r];
    line.values.push_back(fmt::format("{}{}", answer == kNoAnswer ? "-" : fmt::format("{}", answer),
                                      right ? ' ' : 'x'));
  }
  return line;
}

std::vector<ScoredLine> scored_lines(const ShownExample& shown) {
  const Example& example = shown.example;
  std::vector<ScoredLine> lines(3);
  lines[0].name = "position";
  lines[1].name = "id";
  lines[2].name = kLabelName;
  for (std::size_t r = 0; r < shown.scored(); ++r) {
    const std::int32_t position = example.positions[r];
    lines[0].values.push_back(fmt::format("{} ", position));
    lines[1].values.push_back(fmt::format("{} ", example.ids[static_cast<std::size_t>(position)]));
    lines[2].values.push_back(fmt::format("{} ", example.labels[r]));
  }
  if (shown.answers_are_told()) {
    for (std::size_t i = 0; i < shown.rules.size(); ++i) lines.push_back(rule_line(shown, i));
  }
  for (std::size_t i = 0; i < shown.tags.size(); ++i) {
    lines.push_back(tag_line(shown.tags[i], shown.scored(), i, shown.tags.size(), example.tags));
  }
  for (std::size_t i = 0; i < shown.more_tags.size(); ++i) {
    lines.push_back(
        tag_line(shown.more_tags[i], shown.scored(), i, shown.more_tags.size(), shown.more_values));
  }
  return lines;
}

/// A column for each scored position, as many beside each other as fit.
std::string scored_columns(const ShownExample& shown, std::size_t width) {
  const std::vector<ScoredLine> lines = scored_lines(shown);
  std::size_t names = 0;
  std::size_t cell = 0;
  for (const ScoredLine& line : lines) {
    names = std::max(names, line.name.size());
    for (const std::string& value : line.values) cell = std::max(cell, value.size() + 1);
  }
  names = std::min(names, width - cell);
  // The mark behind the last column may be a blank, which is not printed, or an x, which is.
  const std::size_t each = std::max<std::size_t>((width - names) / cell, 1);
  std::string text;
  for (std::size_t begin = 0; begin < shown.scored(); begin += each) {
    const std::size_t end = std::min(begin + each, shown.scored());
    text += '\n';
    for (const ScoredLine& line : lines) {
      std::string row = fmt::format("{:<{}}", line.name.substr(0, names), names);
      for (std::size_t r = begin; r < end; ++r) row += fmt::format("{:>{}}", line.values[r], cell);
      text += without_blanks_at_end(std::move(row)) + '\n';
    }
  }
  return text;
}

std::string scored_summary(const ShownExample& shown, std::size_t width) {
  std::string text = prose("scored",
                           fmt::format("{}, where the label is to be answered; chance {:.4g}",
                                       plural(shown.scored(), "position"), shown.chance),
                           width);
  if (!shown.rules.empty()) {
    std::vector<std::string> reached;
    for (std::size_t i = 0; i < shown.rules.size(); ++i) {
      reached.push_back(
          fmt::format("{} is right at {} of {}", shown.rules[i], shown.right[i], shown.scored()));
    }
    const char* marks = shown.answers_are_told() ? "; x: wrong, -: no answer" : "";
    text += prose("rules", fmt::format("{}{}", fmt::join(reached, ", "), marks), width);
  }
  std::string files;
  if (!shown.tags.empty()) files = fmt::format("{} in slices.csv", fmt::join(shown.tags, ", "));
  if (!shown.more_tags.empty()) {
    files += fmt::format("{}{} in more_slices.csv; -: says nothing", files.empty() ? "" : "; ",
                         fmt::join(shown.more_tags, ", "));
  }
  if (!files.empty()) text += prose("tags", files, width);
  return text;
}

}  // namespace

std::string example_text(const ShownExample& shown, std::size_t width) {
  std::string text = heading(shown, width);
  text += '\n';
  text += token_rows(shown, width);
  text += '\n';
  text += scored_summary(shown, width);
  text += scored_columns(shown, width);
  return text;
}

}  // namespace recollect
