#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace recollect {

/// A table for people, as plain text. UTF-8.
struct TextTable {
  std::string title;
  std::string caption;  ///< what all its rows share
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the header
  std::vector<std::string> notes;              ///< what its marks mean
};

/// A text as Markdown shows it to the letter: no markup, no HTML. For labels and other texts of
/// users.
[[nodiscard]] std::string markdown_text(std::string_view text);

/// Title, header and rows are texts to the letter; caption and notes are Markdown of ours, with
/// `code`, in which HTML is shown to the letter.
///
/// A section of Markdown with columns as wide as their widest cell, numbers to the right.
[[nodiscard]] std::string to_markdown(const TextTable& table);

/// A table environment of LaTeX, for \usepackage{booktabs}; notes stand below it.
/// Special characters are escaped, in any text. The \label is that of the title alone: two titles
/// have two.
[[nodiscard]] std::string to_latex(const TextTable& table);

}  // namespace recollect
