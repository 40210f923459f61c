#include "harness/plot/pictures.hpp"

#include <fmt/format.h>

#include <functional>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"

namespace recollect::page {
namespace {

/// More would be a page of panels that nobody looks at.
constexpr std::size_t kMostPanels = 240;

std::string caption_html(const plot::Figure& figure, const char* file) {
  return fmt::format("<p class=\"caption\">{}.{}</p>\n", escaped(figure.caption),
                     csv_link_html(to_csv(figure.data), file));
}

/// True where headings would stand over a panel each.
bool one_a_section(const plot::Figure& figure) {
  for (std::size_t i = 1; i < figure.panels.size(); ++i) {
    if (figure.panels[i].section == figure.panels[i - 1].section) return false;
  }
  return figure.panels.size() > 1;
}

/// @param with_section  the panel names its section itself
std::string panel_html(const plot::Panel& panel, bool with_section, const Context& context) {
  const MarkNames names = context.mark_names();
  const std::string label = fmt::format("{}{}{}{}{}", panel.name, panel.section.empty() ? "" : ", ",
                                        panel.section, panel.says.empty() ? "" : ": ", panel.says);
  std::string says = with_section ? panel.section : "";
  if (!says.empty() && !panel.says.empty()) says += ": ";
  says += panel.says;
  if (!says.empty()) says = fmt::format("<span class=\"says\">{}</span>", escaped(says));
  return fmt::format("<figure class=\"panel\" data-v=\"{}\" aria-label=\"{}\">{}{}{}</figure>\n",
                     context.number_of(*panel.of), escaped(label),
                     context.name_html(*panel.of, panel.name), says,
                     panel_svg(panel, label, names));
}

using Beside = std::function<std::string(const plot::Figure&, const std::string& section)>;

/// A picture in panels: title, how to read it, the panels of each section, caption.
/// @param beside  what stands above the panels of a section
std::string picture_html(const plot::Study& study, const plot::Drawn& drawn, const char* part,
                         const Context& context, const Beside& beside = {}) {
  if (!drawn.figure) return "";
  const plot::Figure& figure = *drawn.figure;
  std::string html =
      fmt::format("<h3 id=\"{}\">{}</h3>\n", context.anchor_of(study, part), escaped(figure.title));
  if (figure.panels.size() > kMostPanels) {
    return html + fmt::format(
                      "<p class=\"note\">{} panels are more than {}: give one experiment, "
                      "or fewer variants.</p>\n",
                      figure.panels.size(), kMostPanels);
  }
  html += fmt::format("<p class=\"lead\">{}</p>\n", escaped(figure.reading));
  const bool together = one_a_section(figure);
  const std::string* section = nullptr;
  for (const plot::Panel& panel : figure.panels) {
    if (section == nullptr || (!together && *section != panel.section)) {
      if (section != nullptr) html += "</div>\n";
      section = &panel.section;
      if (!section->empty() && !together) html += fmt::format("<h4>{}</h4>\n", escaped(*section));
      if (beside) html += beside(figure, *section);
      html += "<div class=\"panels\">\n";
    }
    html += panel_html(panel, together, context);
  }
  if (section != nullptr) html += "</div>\n";
  return html + caption_html(figure, part);
}

}  // namespace

std::string learning_curves(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_curves(study, context.input.material.histories), "curves",
                      context);
}

std::string share_solved(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_solved(study), "solved", context,
                      [&](const plot::Figure& figure, const std::string& section) {
                        return solved_overlay(figure, section, context);
                      });
}

std::string by_length(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_length(study), "length", context);
}

std::string by_lag(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_by_tag(study, context.input.material.slices, "lag"), "lag",
                      context);
}

std::string by_level(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_by_tag(study, context.input.material.slices, "level"),
                      "level", context);
}

std::string by_pairs(const plot::Study& study, const Context& context) {
  return picture_html(study, plot::draw_pairs(study), "pairs", context);
}

}  // namespace recollect::page
