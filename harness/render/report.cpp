#include "harness/render/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/config/load.hpp"
#include "harness/render/effort.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/results/variance_result.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

/// "# One sentence. More." -> "One sentence."
std::string first_sentence(const std::string& text) {
  std::string comment;
  for (std::size_t at = 0; at < text.size() && text[at] == '#';) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t begin = std::min(text.find_first_not_of("# ", at), end);
    if (!comment.empty()) comment += ' ';
    comment.append(text, begin, end - begin);
    at = end + 1;
  }
  const std::size_t stop = comment.find(". ");
  return stop == std::string::npos ? comment : comment.substr(0, stop + 1);
}

const Archive* archive_of(const ReportInput& input, const std::string& experiment) {
  const auto found = std::find_if(
      input.archives.begin(), input.archives.end(),
      [&](const Archive& archive) { return archive.file.experiment.name == experiment; });
  return found == input.archives.end() ? nullptr : &*found;
}

/// "All 80 cells, 12.3 core hours on CPU; COMPILER, BUILD; code version abc."
std::string runs_line(const Archive& archive) {
  const Effort effort = effort_of(archive);
  std::string cells = completeness(archive);
  cells.front() = cells.front() == 'a' ? 'A' : cells.front();
  return fmt::format(
      "{}. {}{}; {}; code version {}.\n", cells, hours_text(effort),
      effort.processors.empty() ? "" : fmt::format(" on {}", fmt::join(effort.processors, ", ")),
      fmt::join(effort.builds, "; "), fmt::join(effort.versions, ", "));
}

/// The command that makes an archive's runs again, and a warning where the file has changed since;
/// "" where no file is known.
std::string command_text(const Archive& archive, const ConfigurationFile* configuration) {
  const std::string own = (archive.path / "config.yaml").string();
  if (configuration == nullptr) {
    return is_archive(archive.path) ? fmt::format("\n    ./recollect run {}\n", own) : "";
  }
  std::string text = fmt::format("\n    ./recollect run {}\n", configuration->path);
  if (has_changed_since(*configuration, archive)) {
    text += fmt::format("\n{} has changed since: the settings of these runs are in {}.\n",
                        configuration->path, own);
  }
  return text;
}

std::vector<std::string> never_run(const ReportInput& input) {
  std::vector<std::string> lines;
  for (const ConfigurationFile& file : input.configurations) {
    if (archive_of(input, file.experiment.name) == nullptr) {
      const std::size_t cells = file.experiment.cells.size();
      lines.push_back(fmt::format("`{}` ({})", file.path, plural(cells, "cell")));
    }
  }
  return lines;
}

void add_tables(std::string& text, const std::vector<TextTable>& tables) {
  for (const TextTable& table : tables) {
    text += to_markdown(table);
    text += '\n';
  }
}

}  // namespace

const ConfigurationFile* configuration_of(const std::vector<ConfigurationFile>& configurations,
                                          const std::string& experiment) {
  const auto found = std::find_if(
      configurations.begin(), configurations.end(),
      [&](const ConfigurationFile& file) { return file.experiment.name == experiment; });
  return found == configurations.end() ? nullptr : &*found;
}

std::string completeness(const Archive& archive) {
  const std::size_t all = archive.file.folders.size();
  const std::size_t missing = archive.missing();
  if (missing == 0) return fmt::format("all {} cells", all);
  return fmt::format("{} of {} cells; {} {} not run", archive.cells.size(), all, missing,
                     missing == 1 ? "was" : "were");
}

std::vector<ConfigurationFile> read_configurations(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::sort(paths.begin(), paths.end());
  std::vector<ConfigurationFile> files;
  for (const std::filesystem::path& path : paths) {
    files.push_back({path.string(), first_sentence(read_file(path, kLargestText, "configuration")),
                     load_experiment(path.string())});
  }
  return files;
}

bool has_changed_since(const ConfigurationFile& configuration, const Archive& archive) {
  std::string now = configuration.experiment.resolved;
  if (!now.ends_with('\n')) now += '\n';
  return now != archive.file.configuration;
}

std::string results_section(const ReportInput& input) {
  std::string text;
  for (const Archive& archive : input.archives) {
    const std::vector<CellResult> cells = archived_cells(archive);
    const std::vector<GroupResult> groups = group_cells(cells);
    const ConfigurationFile* configuration =
        configuration_of(input.configurations, archive.file.experiment.name);
    const std::vector<TextTable> variance = readable_variance(split_cells(cells));
    if (variance.empty()) {
      add_tables(text, readable_headlines(groups));
      add_tables(text, readable_comparison_headlines(compare_published(groups, input.figures)));
    } else {
      add_tables(text, variance);
    }
    text += runs_line(archive);
    if (is_archive(archive.path)) {
      text += fmt::format("In full: [{0}]({0}).\n", (archive.path / "table.md").string());
    }
    text += command_text(archive, configuration);
    text += '\n';
  }
  const std::vector<std::string> open = never_run(input);
  if (input.archives.empty()) text += "There are no results yet.\n";
  if (!open.empty()) text += fmt::format("Not run yet:\n\n- {}\n", fmt::join(open, "\n- "));
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string files_section(const ReportInput& input) {
  std::string text =
      "| configuration | what it is | cells | of them done | time | processor |\n"
      "|---|---|---:|---:|---|---|\n";
  for (const ConfigurationFile& file : input.configurations) {
    const Archive* archive = archive_of(input, file.experiment.name);
    const Effort effort = archive == nullptr ? Effort{} : effort_of(*archive);
    text += fmt::format(
        "| `{}` | {} | {} | {} | {} | {} |\n", file.path, file.description,
        file.experiment.cells.size(), archive == nullptr ? 0 : archive->cells.size(),
        archive == nullptr ? "-" : hours_text(effort),
        effort.processors.empty() ? "-" : fmt::format("{}", fmt::join(effort.processors, ", ")));
  }
  return text;
}

std::string experiment_page(const Archive& archive, const ReportInput& input) {
  const std::vector<CellResult> cells = archived_cells(archive);
  const std::vector<GroupResult> groups = group_cells(cells);
  std::string text;
  add_tables(text, readable_groups(groups));
  add_tables(text, readable_comparison(compare_published(groups, input.figures)));
  add_tables(text, readable_variance(split_cells(cells)));
  text += runs_line(archive);
  text +=
      command_text(archive, configuration_of(input.configurations, archive.file.experiment.name));
  return text;
}

void write_archive_tables(const Archive& archive, const std::string& page) {
  const std::vector<GroupResult> groups = group_cells(archived_cells(archive));
  write_file_atomically(archive.path / "groups.csv", to_csv(to_table(group_table(groups))));
  write_file_atomically(archive.path / "table.md", page);
}

std::string with_section(const std::string& text, const std::string& name,
                         const std::string& section, const std::string& file) {
  const std::string begin = fmt::format("<!-- recollect report: {} -->\n", name);
  const std::string end = "<!-- recollect report: end -->";
  const std::size_t first = text.find(begin);
  if (first == std::string::npos) return text;
  const std::size_t from = first + begin.size();
  const std::size_t to = text.find(end, from);
  if (to == std::string::npos) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first), '\n') + 1;
    throw IoError(
        fmt::format("{}:{}: the section '{}' has no end, a line {}", file, line, name, end));
  }
  return text.substr(0, from) + "\n" + section + "\n" + text.substr(to);
}

}  // namespace recollect
