#include "harness/page/page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/text.hpp"
#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/render/effort.hpp"

namespace recollect::page {
namespace {

/// "recollect report of results/reference: 460 cells of 7 experiments, none failed; ..."
std::string origin_line(const Context& context) {
  const std::vector<CellResult>& rows = context.input.material.results.cells;
  std::set<std::string> cells, failed, diverged, experiments, versions;
  for (const CellResult& row : rows) {
    cells.insert(row.cell);
    experiments.insert(row.experiment);
    if (!row.status.code_version.empty()) versions.insert(row.status.code_version);
    if (row.status.ending == Ending::kFailed) failed.insert(row.cell);
    if (row.status.ending == Ending::kDiverged) diverged.insert(row.cell);
  }
  Effort effort;
  for (const Archive& archive : context.input.archives) {
    const Effort own = effort_of(archive);
    effort.timed += own.timed;
    effort.core_hours += own.core_hours;
  }
  const auto count = [](std::size_t number) {
    return number == 0 ? std::string("none") : std::to_string(number);
  };
  std::string text = fmt::format(
      "<p class=\"origin\">recollect report of <code>{}</code>: {} of {}, {} failed, {} diverged",
      escaped(context.input.source), plural(cells.size(), "cell"),
      plural(experiments.size(), "experiment"), count(failed.size()), count(diverged.size()));
  if (effort.timed > 0) text += "; " + hours_text(effort);
  if (!versions.empty()) {
    text += fmt::format("; code version{} {}", versions.size() == 1 ? "" : "s",
                        escaped(fmt::format("{}", fmt::join(versions, ", "))));
  }
  return text + ". <a href=\"#origin\">Where it comes from</a></p>\n";
}

/// Links to the studies, where there are several.
std::string contents(const Context& context) {
  const std::vector<plot::Study>& studies = context.input.material.studies;
  if (studies.size() < 2) return "";
  std::string html = "<nav aria-label=\"Experiments\"><ol class=\"contents\">\n";
  for (const plot::Study& study : studies) {
    html += fmt::format("<li><a href=\"#{}\">{}</a> <span class=\"small\">{}</span></li>\n",
                        context.anchor_of(study), escaped(study.shown), escaped(study.setting));
  }
  return html + "</ol></nav>\n";
}

std::string study_html(const plot::Study& study, const Context& context) {
  std::string html = fmt::format("<section class=\"study\" id=\"{}\"><h2>{}</h2>\n",
                                 context.anchor_of(study), escaped(study.shown));
  if (study.sections.empty()) {
    return html +
           "<p class=\"note\">It has no scores of the best weights on test examples.</p>"
           "</section>\n";
  }
  for (const auto part : {hero_table, learning_curves, seeds_one_by_one, share_solved, by_length,
                          by_lag, by_level, by_pairs, solved_map}) {
    html += part(study, context);
  }
  return html + "</section>\n";
}

}  // namespace

std::string make_page(const PageInput& input) {
  const Context context(input);
  const std::string title = input.title.empty() ? suggested_title(context) : input.title;
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n{}</head>\n<body>\n"
      "<a class=\"skip\" href=\"#results\">Skip to the results</a>\n<header>\n<h1>{}</h1>\n",
      escaped(title), style_sheet(context), escaped(title));
  html += origin_line(context);
  html += answers(context);
  html += contents(context);
  html += "</header>\n" + legend(context) + "<main id=\"results\">\n";
  std::set<std::string> shown;
  for (const plot::Study& study : input.material.studies) {
    if (shown.insert(study.name).second) html += study_html(study, context);
  }
  html += lambda_section(input.lambda_maps, context);
  html += beside_published(context);
  html += all_cells(context);
  html += origins(context);
  html +=
      "</main>\n<footer><p>Made by <code>recollect report --html</code>. Nothing of this page "
      "comes from a network.</p></footer>\n";
  return html + script() + "</body>\n</html>\n";
}

}  // namespace recollect::page
