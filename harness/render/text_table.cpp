#include "harness/render/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "base/hash.hpp"

namespace recollect {
namespace {

constexpr std::string_view kPlusMinus = "\u00b1";

/// Characters, where UTF-8 takes up to four bytes for one.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return right ? blanks + text : text + blanks;
}

bool is_numeric(std::string cell) {
  for (std::size_t at = 0; (at = cell.find(kPlusMinus)) != std::string::npos;) {
    cell.erase(at, kPlusMinus.size());
  }
  return cell.find_first_not_of("0123456789./-+e*!>,[] ") == std::string::npos;
}

/// Columns in which every cell is a number, or empty.
std::vector<bool> numeric_columns(const TextTable& table) {
  std::vector<bool> numeric(table.header.size(), true);
  for (const auto& row : table.rows) {
    if (row.size() != table.header.size()) throw std::logic_error("a row of another length");
    for (std::size_t column = 0; column < row.size(); ++column) {
      numeric[column] = numeric[column] && is_numeric(row[column]);
    }
  }
  return numeric;
}

bool is_alphanumeric(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) >= 0x80U ||
                              std::isalnum(static_cast<unsigned char>(text[at])) != 0);
}

/// Whether this character begins markup where it stands.
bool is_markup(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '`':
    case '\\':
      return true;
    case '*':  // one alone is no emphasis
      return text.find('*') != text.rfind('*');
    case '_':
      return !(at > 0 && is_alphanumeric(text, at - 1) && is_alphanumeric(text, at + 1));
    case '[':
      return text.find("](", at) != std::string_view::npos || text.substr(at).starts_with("[^");
    case '~':
      return text.find("~~") != std::string_view::npos;
    default:
      return false;
  }
}

std::string without_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string markdown_cell(std::string_view text) {
  std::string out = markdown_text(text);
  for (std::size_t at = 0; (at = out.find('|', at)) != std::string::npos; at += 2) {
    out.insert(at, 1, '\\');
  }
  return out;
}

enum class Backticks { kMarkup, kText };

std::string latex_text(std::string_view text, Backticks backticks = Backticks::kText) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i, kPlusMinus.size()) == kPlusMinus) {
      out += "$\\pm$";
      i += kPlusMinus.size() - 1;
    } else if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      out += '\\';
      out += c;
      out += "{}";
    } else if (c == '<' || c == '>' || c == '|') {
      out += '$';
      out += c == '|' ? "\\mid" : std::string(1, c);
      out += '$';
    } else if (c == '`') {
      if (backticks == Backticks::kText) out += "\\textasciigrave{}";
    } else if (c == '-' && i > 0 && text[i - 1] == '-') {
      out += "{}-";  // two together would be a dash
    } else {
      out += c;
    }
  }
  return out;
}

/// For \label: letters, digits and hyphens. Where these do not tell the text, a digest of it
/// follows.
std::string slug(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    out +=
        letter < 0x80 && std::isalnum(letter) != 0 ? static_cast<char>(std::tolower(letter)) : '-';
  }
  constexpr std::size_t kDigits = 8;
  if (out != text) out += '-' + hex(hash_text(text)).substr(0, kDigits);
  return out;
}

std::string latex_row(const std::vector<std::string>& cells) {
  std::vector<std::string> texts;
  for (const std::string& cell : cells) texts.push_back(latex_text(cell));
  // A row that begins with a bracket would be read as the argument of the line end before it.
  return fmt::format("    {}{} \\\\\n", texts.front().starts_with('[') ? "{}" : "",
                     fmt::join(texts, " & "));
}

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_markup(text, i)) out += '\\';
    out += text[i];
  }
  return without_html(out);
}

std::string to_markdown(const TextTable& table) {
  const std::vector<bool> right = numeric_columns(table);
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    std::size_t width = std::max<std::size_t>(3, width_of(markdown_cell(table.header[column])));
    for (const auto& row : table.rows)
      width = std::max(width, width_of(markdown_cell(row[column])));
    widths.push_back(width);
  }
  std::string out =
      fmt::format("### {}\n\n{}\n\n", markdown_text(table.title), without_html(table.caption));
  const auto line = [&](const std::vector<std::string>& cells) {
    out += '|';
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += fmt::format(" {} |", padded(markdown_cell(cells[i]), widths[i], right[i]));
    }
    out += '\n';
  };
  line(table.header);
  out += '|';
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    out += fmt::format("{:-<{}}{}|", "", widths[i] + 1, right[i] ? ":" : "-");
  }
  out += '\n';
  for (const auto& row : table.rows) line(row);
  if (!table.notes.empty()) out += '\n';
  for (const std::string& note : table.notes) out += fmt::format("- {}\n", without_html(note));
  return out;
}

std::string to_latex(const TextTable& table) {
  std::string columns;
  for (const bool right : numeric_columns(table)) columns += right ? 'r' : 'l';
  std::string out = fmt::format(
      "\\begin{{table}}\n  \\centering\n  \\caption{{{}: {}}}\n  \\label{{tab:{}}}\n"
      "  \\begin{{tabular}}{{{}}}\n    \\toprule\n",
      latex_text(table.title), latex_text(table.caption, Backticks::kMarkup), slug(table.title),
      columns);
  out += latex_row(table.header);
  out += "    \\midrule\n";
  for (const auto& row : table.rows) out += latex_row(row);
  out += "    \\bottomrule\n  \\end{tabular}\n";
  for (const std::string& note : table.notes) {
    out += fmt::format("  \\par\\footnotesize {}\n", latex_text(note, Backticks::kMarkup));
  }
  out += "\\end{table}\n";
  return out;
}

}  // namespace recollect
