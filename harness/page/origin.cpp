#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"
#include "harness/render/effort.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"

namespace recollect::page {
namespace {

/// Text of several lines; each is escaped, which would join them.
std::string lines_html(const std::string& text) {
  std::string html;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    html += escaped(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return html;
}

/// A word for a shell: in single quotes where it needs them.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view("-_./+=:,@").find(letter) != std::string_view::npos;
  });
  if (plain) return word;
  std::string text = "'";
  for (const char letter : word)
    text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return text + "'";
}

std::string numerics_of(const Archive& archive) {
  std::set<int> versions;
  for (const auto& [hash, cell] : archive.cells) versions.insert(cell.status.numerics_version);
  return fmt::format("{}", fmt::join(versions, ", "));
}

/// The command that trains the cells of an experiment again.
std::string command(const Archive& archive, const ConfigurationFile* file) {
  const bool current = file != nullptr && !has_changed_since(*file, archive);
  const std::string path = current ? file->path
                           : is_archive(archive.path)
                               ? (archive.path / "config.yaml").string()
                               : file_stem(archive.file.experiment.name) + ".yaml";
  return fmt::format("recollect run {} --out runs\n", quoted(path));
}

std::string archive_html(const Archive& archive, const Context& context) {
  const std::string& name = archive.file.experiment.name;
  const Effort effort = effort_of(archive);
  const ConfigurationFile* file = configuration_of(context.input.configurations, name);
  std::string html = fmt::format(
      "<details class=\"one\"><summary><b>{}</b> <span class=\"small\">{}</span></summary>\n"
      "<p class=\"small\">{}. Code version {}; {}; numerics version {}. Time: {}{}.</p>\n",
      escaped(name), escaped(completeness(archive)), escaped(completeness(archive)),
      escaped(fmt::format("{}", fmt::join(effort.versions, ", "))),
      escaped(fmt::format("{}", fmt::join(effort.builds, "; "))), numerics_of(archive),
      escaped(hours_text(effort)),
      effort.processors.empty()
          ? ""
          : escaped(fmt::format(" on {}", fmt::join(effort.processors, ", "))));
  html += fmt::format(
      "<p>To train it again{}, and to draw its pictures:</p>\n<pre>{}{}</pre>\n",
      file == nullptr && !is_archive(archive.path) ? " from the configuration below, saved" : "",
      lines_html(command(archive, file)),
      lines_html(fmt::format("recollect plot {} --experiment {} --out pictures",
                             quoted(context.input.source), quoted(name))));
  const std::string link = data_link("text/yaml", archive.file.configuration);
  html += fmt::format(
      "<p>Its configuration, with every default{}:</p>\n<pre tabindex=\"0\">{}</pre>"
      "</details>\n",
      link.empty() ? ""
                   : fmt::format(" (<a download=\"{}.yaml\" href=\"{}\">save</a>)",
                                 escaped(file_stem(name)), link),
      lines_html(archive.file.configuration));
  return html;
}

}  // namespace

std::string origins(const Context& context) {
  std::string html =
      "<section id=\"origin\"><h2>Configurations, provenance, how to make it again</h2>\n";
  if (context.input.archives.empty()) {
    return html +
           "<p class=\"note\">The results are a table, which has neither configurations nor "
           "provenance.</p></section>\n";
  }
  html +=
      "<p class=\"lead\">The same code version, compiler and build give the same numbers, to the "
      "last bit.</p>\n";
  for (const Archive& archive : context.input.archives) html += archive_html(archive, context);
  return html + "</section>\n";
}

}  // namespace recollect::page
