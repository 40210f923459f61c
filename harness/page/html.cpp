#include "harness/page/html.hpp"

#include <fmt/format.h>

#include "harness/plot/text_width.hpp"

namespace recollect::page {
namespace {

constexpr std::size_t kLongestLink = 26'000;
constexpr std::size_t kLongestId = 60;

bool is_plain(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

}  // namespace

std::string escaped(std::string_view text) { return plot::xml_text(text); }

std::string Ids::make(std::string_view prefix, std::string_view text) {
  std::string id(prefix);
  for (const char letter : text.substr(0, kLongestId)) {
    if (is_plain(letter)) {
      id += letter;
    } else if (!id.ends_with('-')) {
      id += '-';
    }
  }
  std::string unique = id;
  for (int number = 2; !given_.insert(unique).second; ++number) {
    unique = fmt::format("{}.{}", id, number);
  }
  return unique;
}

std::string data_link(std::string_view type, std::string_view bytes) {
  std::string link = fmt::format("data:{};charset=utf-8,", type);
  for (const char letter : bytes) {
    if (is_plain(letter) || std::string_view("-_.~,;:/()!*").find(letter) != std::string::npos) {
      link += letter;
    } else {
      link += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    if (link.size() > kLongestLink) return "";
  }
  return link;
}

std::string csv_link_html(const std::string& csv, const std::string& file) {
  const std::string link = data_link("text/csv", csv);
  if (link.empty())
    return " Its data are too long for a link; <code>recollect plot</code> writes them.";
  return fmt::format(" <a download=\"{}.csv\" href=\"{}\">data (CSV)</a>", escaped(file), link);
}

}  // namespace recollect::page
