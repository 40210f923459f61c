#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/results/published.hpp"
#include "harness/results/published_rankings.hpp"
#include "harness/store/archive.hpp"

namespace recollect {

/// A configuration file that experiments are run from.
struct ConfigurationFile {
  std::string path;         ///< as given
  std::string description;  ///< its leading comment's first sentence, or ""
  Experiment experiment;
};

/// What a report is made of.
struct ReportInput {
  std::vector<Archive> archives;
  std::vector<PublishedFigure> figures;
  std::vector<PublishedRanking> rankings;
  /// Where an archive's experiment is run from, and what has no archive yet.
  std::vector<ConfigurationFile> configurations;
};

/// The files *.yaml in a folder, in the order of names. @throws ConfigError, IoError
[[nodiscard]] std::vector<ConfigurationFile> read_configurations(
    const std::filesystem::path& folder);

/// The file that an experiment is run from; none where it is not among those of the input.
[[nodiscard]] const ConfigurationFile* configuration_of(
    const std::vector<ConfigurationFile>& configurations, const std::string& experiment);

/// Whether it says other cells today than those of the archive.
[[nodiscard]] bool has_changed_since(const ConfigurationFile& configuration,
                                     const Archive& archive);

/// In short, for a README: of each experiment the scores at the training length, those published
/// figures that can be compared, where the seeds are crossed what the spread comes from, the
/// command that makes it, and what was not run. Markdown.
[[nodiscard]] std::string results_section(const ReportInput& input);

/// Which configuration file gives which table, how long that took and on which machine. Markdown.
[[nodiscard]] std::string files_section(const ReportInput& input);

/// All tables of one experiment in full. Markdown.
[[nodiscard]] std::string experiment_page(const Archive& archive, const ReportInput& input);

/// "80 of 100 cells; 20 were not run" and the like.
[[nodiscard]] std::string completeness(const Archive& archive);

/// Writes the generated tables beside the archive's data: groups.csv, and table.md for people,
/// which is `page` (experiment_page()). @throws IoError
void write_archive_tables(const Archive& archive, const std::string& page);

/// Puts `section` between the lines "<!-- recollect report: NAME -->" and "<!-- recollect report:
/// end -->" of a text that has them; any other text stays as it is.
/// @param file  stands for the text in messages @throws IoError where the second line is missing
[[nodiscard]] std::string with_section(const std::string& text, const std::string& name,
                                       const std::string& section, const std::string& file);

}  // namespace recollect
