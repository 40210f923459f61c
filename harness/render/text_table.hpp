#pragma once

#include <string>
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

/// A section of Markdown with columns as wide as their widest cell, numbers to the right.
[[nodiscard]] std::string to_markdown(const TextTable& table);

/// A table environment of LaTeX, for \usepackage{booktabs}; notes stand below it.
/// Special characters are escaped, in any text.
[[nodiscard]] std::string to_latex(const TextTable& table);

}  // namespace recollect
