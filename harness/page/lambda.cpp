#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"

namespace recollect::page {

namespace {

/// The figure around a picture says what it shows.
std::string silent(std::string svg) {
  constexpr std::string_view kRole = "role=\"img\"";
  const std::size_t at = svg.find(kRole);
  return at == std::string::npos ? svg : svg.replace(at, kRole.size(), "aria-hidden=\"true\"");
}

}  // namespace

std::string lambda_section(const std::vector<LambdaMap>& maps, const Context& context) {
  if (maps.empty()) return "";
  std::string html =
      "<section id=\"lambda\"><h2>What λ does, once trained</h2>\n<p class=\"lead\">The index is "
      "the share of λ's variance that comes from the input: near 0, λ is in effect "
      "constant.</p>\n";
  for (const LambdaMap& map : maps) {
    std::string indices;
    for (const LambdaIndex& one : map.indices) {
      indices +=
          fmt::format("{}{} {:.1f} %", indices.empty() ? "" : ", ", one.layer, 100.0 * one.index);
    }
    const plot::Named label{map.variant, map.label};
    const auto& known = context.labels();
    const bool is_known = std::find(known.begin(), known.end(), label) != known.end();
    html += fmt::format(
        "<figure{} aria-label=\"{}\"><h3>{}</h3><p>Index: {}</p><div class=\"box wide lambda-map\" "
        "tabindex=\"0\">{}</div><p class=\"caption\">{}</p></figure>\n",
        is_known ? fmt::format(" data-v=\"{}\"", context.number_of(label)) : "",
        escaped(map.title + ": index " + indices), escaped(map.title), escaped(indices),
        silent(map.svg), escaped(map.caption));
  }
  return html + "</section>\n";
}

}  // namespace recollect::page
