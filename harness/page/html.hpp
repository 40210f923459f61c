#pragma once

#include <set>
#include <string>
#include <string_view>

namespace recollect::page {

/// For text and for attributes in double quotes: whatever results hold, they stay text.
[[nodiscard]] std::string escaped(std::string_view text);

/// Names for elements, each given once. Letters and digits of the text stay, so that a link tells
/// what it leads to; anything else becomes "-".
class Ids {
 public:
  [[nodiscard]] std::string make(std::string_view prefix, std::string_view text);

 private:
  std::set<std::string> given_;
};

/// A link that holds a file itself: "data:text/csv;charset=utf-8,...". Empty where it would be
/// longer than what all browsers open.
[[nodiscard]] std::string data_link(std::string_view type, std::string_view bytes);

/// A link to the data of a picture as CSV, behind its caption; where that is too long, who writes
/// them instead.
[[nodiscard]] std::string csv_link_html(const std::string& csv, const std::string& file);

}  // namespace recollect::page
