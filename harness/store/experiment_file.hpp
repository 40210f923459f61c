#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/claim.hpp"

namespace recollect {

/// An experiment's name as the name of a file: no folder can be left through it, none is hidden.
[[nodiscard]] std::string file_stem(const std::string& experiment);

/// OUT/experiments/NAME.yaml: the experiment's resolved configuration, then, as a second YAML
/// document, the folders of its cells in order. The first document can be run as it is.
[[nodiscard]] std::filesystem::path experiment_path(const std::filesystem::path& out,
                                                    const std::string& name);

/// To write the files of an experiment, its tables among them: what is read for them while they are
/// claimed is complete when the last of several processes writes them. Takes away what a process
/// that was killed left half written. @throws IoError
[[nodiscard]] Claim claim_experiment(const std::filesystem::path& out, const std::string& name);

/// Makes the folders of `out` and writes the file.
/// @returns why claims on `out` are not exclusive; "" where they are @throws IoError
std::string write_experiment(const Experiment& experiment, const std::filesystem::path& out);

/// The file of an experiment: its configuration, and the folders of its cells.
struct ExperimentFile {
  Experiment experiment;
  std::string configuration;         ///< its text, resolved
  std::string config_hash;           ///< of that text
  std::vector<std::string> folders;  ///< of the cells, in order
};

/// Sixteen lower-case hexadecimal digits: the name of a cell's folder.
[[nodiscard]] bool is_cell_hash(std::string_view text);

/// How tables name a hash: with a letter before it, as a spreadsheet takes 16 digits for a number
/// and 1234e5 for another one.
[[nodiscard]] std::string hash_in_table(std::string_view hash);
/// The hash; an earlier version wrote it without the letter.
[[nodiscard]] std::string hash_of_table(std::string_view text);

/// @throws IoError; ConfigError where its configuration is not valid
[[nodiscard]] ExperimentFile read_experiment(const std::filesystem::path& path);

/// True where the file is there, with another configuration than this.
[[nodiscard]] bool holds_other_settings(const std::filesystem::path& file,
                                        const Experiment& experiment);

}  // namespace recollect
