#include "harness/plot/plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/plot/files.hpp"
#include "harness/plot/material.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/trained_maps.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect::plot {
namespace {

constexpr const char* kPublished = "published";  // one picture of all experiments
constexpr const char* kLambda = "lambda";        // one a label whose weights are kept

struct Picture {
  std::string name;
  std::function<Drawn(const Study&, const Material&)> draw;
  bool in_panels = true;  ///< one a row, which limits their number
  enum class Needs { kScores, kHistories, kSlices } needs = Needs::kScores;
};

Drawn draw_lag(const Study& study, const Material& all) {
  return draw_by_tag(study, all.slices, "lag");
}

Drawn draw_level(const Study& study, const Material& all) {
  return draw_by_tag(study, all.slices, "level");
}

const std::vector<Picture>& pictures() {
  static const std::vector<Picture> kPictures = {
      {"seeds", [](const Study& study, const Material&) { return draw_seeds(study); }, false},
      {"length", [](const Study& study, const Material&) { return draw_length(study); }},
      {"curves",
       [](const Study& study, const Material& all) { return draw_curves(study, all.histories); },
       true, Picture::Needs::kHistories},
      {"solved", [](const Study& study, const Material&) { return draw_solved(study); }},
      {"lag", draw_lag, true, Picture::Needs::kSlices},
      {"level", draw_level, true, Picture::Needs::kSlices},
      {"state", [](const Study& study, const Material&) { return draw_state(study); }},
      {"pairs", [](const Study& study, const Material&) { return draw_pairs(study); }},
      {"solved-map", [](const Study& study, const Material&) { return draw_solved_map(study); }},
  };
  return kPictures;
}

/// Why a study cannot have a picture of that kind; "" where nothing is known.
std::string obstacle(const Picture& picture, const Study& study) {
  if (study.sections.empty()) return "it has no scores of the best weights on test examples";
  if (picture.in_panels && study.rows() > kMostPanels) {
    return fmt::format("{} panels are more than {}", study.rows(), kMostPanels);
  }
  return "";
}

bool wants(const PlotRequest& request, const std::string& name) {
  return request.what.empty() ||
         std::find(request.what.begin(), request.what.end(), name) != request.what.end();
}

bool wants(const PlotRequest& request, Picture::Needs needs) {
  return std::any_of(pictures().begin(), pictures().end(), [&](const Picture& picture) {
    return picture.needs == needs && wants(request, picture.name);
  });
}

/// Pictures that are left out: what and why, with the studies that have none.
using LeftOut = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

void add_notes(const LeftOut& left_out, std::vector<std::string>& notes) {
  for (const auto& [what, studies] : left_out) {
    notes.push_back(
        fmt::format("no picture {} of {}: {}", what.first, fmt::join(studies, ", "), what.second));
  }
}

std::vector<Figure> drawn_figures(const PlotRequest& request, const Material& material,
                                  std::vector<std::string>& notes) {
  std::vector<Figure> figures;
  LeftOut left_out;
  for (const Study& study : material.studies) {
    for (const Picture& picture : pictures()) {
      if (!wants(request, picture.name)) continue;
      Drawn drawn{std::nullopt, obstacle(picture, study)};
      if (drawn.why_not.empty()) drawn = picture.draw(study, material);
      if (!drawn.figure) {
        left_out[{picture.name, drawn.why_not}].push_back(printable(study.name));
        continue;
      }
      drawn.figure->name = fmt::format("{}-{}", picture.name, file_stem(study.name));
      figures.push_back(std::move(*drawn.figure));
    }
  }
  add_notes(left_out, notes);
  return figures;
}

}  // namespace

const std::vector<std::string>& picture_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Picture& picture : pictures()) names.push_back(picture.name);
    names.emplace_back(kLambda);
    names.emplace_back(kPublished);
    return names;
  }();
  return kNames;
}

PlotReport make_pictures(const PlotRequest& request) {
  expect_gnuplot();
  check_folder(request.out);
  const Material material = read_material(request.results, request.experiments,
                                          {.histories = wants(request, Picture::Needs::kHistories),
                                           .slices = wants(request, Picture::Needs::kSlices)});
  PlotReport report;
  report.notes = material.results.warnings;
  std::vector<Figure> figures = drawn_figures(request, material, report.notes);
  if (wants(request, kLambda)) {
    std::vector<TrainedMap> maps =
        trained_maps(request.results, material.results.cells, report.notes);
    if (maps.empty() && !request.what.empty()) {
      report.notes.emplace_back("no picture lambda: no weights of variants with levels are kept");
    }
    for (TrainedMap& map : maps) figures.push_back(std::move(map.figure));
  }
  if (wants(request, kPublished) && !request.published.empty()) {
    Drawn drawn = draw_published(
        compare_published(material.groups, read_published(request.published)), material.styles);
    if (drawn.figure)
      figures.push_back(std::move(*drawn.figure));
    else
      report.notes.push_back(fmt::format("no picture {}: {}", kPublished, drawn.why_not));
  }
  if (figures.empty()) {
    throw IoError(fmt::format("{}: {}", request.results.string(),
                              report.notes.empty() ? "" : report.notes.back()));
  }
  make_folder(request.out);
  const bool png = can_make_png();
  if (!png) report.notes.emplace_back("no PNGs: rsvg-convert is not installed (librsvg2-bin)");
  if (!png && request.dark) throw IoError("--dark makes PNGs: rsvg-convert is not installed");
  report.files = write_figures(request.out, figures, {png, request.dark});
  return report;
}

}  // namespace recollect::plot
