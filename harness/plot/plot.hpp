#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace recollect::plot {

/// The kinds of pictures, in the order in which they are made; docs/command_line.md says what each
/// shows.
[[nodiscard]] const std::vector<std::string>& picture_names();

struct PlotRequest {
  std::filesystem::path results;         ///< as read_result_set() takes it
  std::vector<std::string> what;         ///< kinds of pictures; empty: all
  std::vector<std::string> experiments;  ///< "a", or "a+b" for one picture of both; empty: each
  std::filesystem::path out;
  std::filesystem::path published = {};  ///< figures of others; empty: the picture is left out
  bool dark = false;                     ///< also NAME-dark.png
};

struct PlotReport {
  std::vector<std::filesystem::path> files;  ///< the SVGs, with a CSV and perhaps a PNG beside each
  std::vector<std::string> notes;            ///< what was left out and why, a line each
};

/// Draws pictures of results and writes OUT/KIND-EXPERIMENT.svg, .csv and, where rsvg-convert is
/// installed, .png. The same results give the same bytes. @throws IoError where there is nothing to
/// draw, gnuplot is missing or fails, or a file cannot be written
[[nodiscard]] PlotReport make_pictures(const PlotRequest& request);

}  // namespace recollect::plot
