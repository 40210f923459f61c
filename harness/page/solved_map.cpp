#include <fmt/format.h>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/order.hpp"
#include "harness/plot/pictures.hpp"

namespace recollect::page {
namespace {

std::string cell_html(const GroupResult& group) {
  if (group.runs() == 0) return "<td class=\"none\">–</td>";
  const double share = static_cast<double>(group.solved()) / static_cast<double>(group.runs());
  const plot::Ink& shade = plot::shade_of(share);
  return fmt::format(
      "<td style=\"--q:light-dark({},{});--on:var({})\" data-k=\"{:.4f}\">{}/{}</td>", shade.light,
      shade.dark, plot::is_strong(share) ? "--on-strong" : "--ink", share, group.solved(),
      group.runs());
}

}  // namespace

std::string solved_map(const plot::Study& scored, const Context& context) {
  const plot::Study study = scored.by_training();
  if (study.sections.size() < 2) return "";
  std::string html = fmt::format(
      "<h3 id=\"{0}\">Where each variant solves the task</h3>\n<p class=\"lead\">Seeds with {1} "
      "on validation examples at some check, of all seeds; the stronger the colour, the larger "
      "their share.</p>\n<div class=\"box\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{0}\">"
      "<table class=\"map sortable\">\n<thead><tr><th scope=\"col\">variant</th>",
      context.anchor_of(study, "map"), plot::threshold(study.solve_at));
  for (const plot::StudySection& section : study.sections) {
    html += fmt::format("<th scope=\"col\">{}</th>", escaped(section.title));
  }
  html += "</tr></thead>\n<tbody>";
  for (const plot::StudyRow* named : plot::names_of(study)) {
    html +=
        fmt::format("<tr data-v=\"{}\"><th scope=\"row\">{}</th>", context.number_of(named->named),
                    context.name_html(named->named, named->name));
    for (const plot::StudySection& section : study.sections) {
      std::string cell = "<td class=\"none\" data-k=\"\">–</td>";
      for (const plot::StudyRow& row : section.rows) {
        if (row.name == named->name) cell = cell_html(*row.trained);
      }
      html += cell;
    }
    html += "</tr>\n";
  }
  return html +
         fmt::format("</tbody></table></div>\n<p class=\"caption\">{}. –: not run. {}.</p>\n",
                     escaped(study.seeds_text()), escaped(study.origin()));
}

}  // namespace recollect::page
