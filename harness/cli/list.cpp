#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"

namespace recollect::cli {
namespace {

using Lines = std::vector<std::vector<std::string>>;

/// Columns padded to their widest cell.
void print_columns(const Lines& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += i + 1 < line.size() ? fmt::format("{:<{}}  ", line[i], widths[i]) : line[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
    print(text);
  }
}

template <class Entries>
Lines described(const Entries& entries) {
  Lines lines;
  for (const auto& entry : entries) {
    lines.push_back({std::string(entry.name), std::string(entry.description)});
  }
  return lines;
}

std::string trimmed(std::string text) {
  const std::size_t first = text.find_first_not_of(" #\t");
  if (first == std::string::npos) return {};
  text.erase(0, first);
  text.erase(text.find_last_not_of(" \t\r") + 1);
  return text;
}

/// Path, experiment and first comment line of each configuration below a folder.
Lines configs(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  if (error) {
    throw IoError(fmt::format("cannot list {}: {}; give the folder: recollect list configs FOLDER",
                              folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  Lines lines;
  for (const std::filesystem::path& file : files) {
    std::string name = file.stem().string();  // what a configuration without `experiment` is called
    std::string comment;
    std::istringstream text(read_file(file, kLargestText));
    for (std::string line; std::getline(text, line);) {
      if (comment.empty() && line.starts_with('#')) comment = trimmed(line);
      if (line.starts_with("experiment:")) name = trimmed(line.substr(11, line.find(" #") - 11));
    }
    lines.push_back({file.string(), name, comment});
  }
  return lines;
}

}  // namespace

void add_list(CLI::App& app, Action& action) {
  struct Options {
    std::string what;
    std::string folder = "configs";
  };
  static const std::vector<std::string> kWhat = {"tasks", "variants", "configs"};
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("list", "Print the tasks, variants or configurations there are");
  command->add_option("WHAT", options->what, "tasks, variants or configs")->type_name("");
  command->add_option("FOLDER", options->folder, "Where configs are looked for")
      ->capture_default_str()
      ->type_name("");
  command->callback([options, &action] {
    if (options->what.empty()) {
      throw UsageError(fmt::format("list what? choose one of {}", fmt::join(kWhat, ", ")));
    }
    if (std::find(kWhat.begin(), kWhat.end(), options->what) == kWhat.end()) {
      const std::string near = nearest_name(options->what, kWhat);
      throw UsageError(fmt::format("list '{}' is unknown; choose one of {}{}", options->what,
                                   fmt::join(kWhat, ", "),
                                   near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
    action = [options] {
      if (options->what == "tasks") print_columns(described(tasks()));
      if (options->what == "variants") print_columns(described(mixers()));
      if (options->what == "configs") print_columns(configs(options->folder));
      return ExitStatus::kDone;
    };
  });
}

}  // namespace recollect::cli
