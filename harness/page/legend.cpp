#include <fmt/format.h>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"

namespace recollect::page {

std::string legend(const Context& context) {
  std::string html = "<nav class=\"legend\" id=\"legend\" aria-label=\"Variants shown\">";
  if (context.labels().size() > 1) {
    html += "<fieldset><legend>Show these variants</legend>";
    for (const plot::Named& label : context.labels()) {
      html += fmt::format(
          "<label class=\"chip v{0}\"><input type=\"checkbox\" id=\"show{0}\" checked>{1}{2}"
          "</label>",
          context.number_of(label), marker_svg(context.input.material.styles.of(label)),
          escaped(label.label));
    }
    html += "</fieldset>";
  }
  return html + "</nav>\n";
}

}  // namespace recollect::page
