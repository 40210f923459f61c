#include <fmt/format.h>

#include <algorithm>

#include "harness/plot/numbers.hpp"
#include "harness/plot/order.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr double kLeft = 196.0;  // of the first cell
constexpr double kRow = 34.0;
constexpr double kGap = 3.0;
constexpr double kWidestCell = 110.0;
constexpr std::size_t kMostSettings = 12;

class MapPicture {
 public:
  explicit MapPicture(const Study& study) : study_(study) {
    const auto settings = static_cast<double>(study.sections.size());
    width_ = std::min(kWidestCell, (kWidth - kMargin - kLeft) / settings);
  }

  Figure draw() {
    figure_.title = "Where each variant solves the task";
    figure_.data.header = {"setting", "label", "variant", "solved_runs", "runs", "share"};
    double at = figure_.add_heading(fmt::format(
        "{}. Seeds with {} on validation examples at some check, of all seeds; the stronger the "
        "colour, the larger their share.",
        study_.setting, threshold(study_.solve_at)));
    at = add_heads(at + 10.0) + 8.0;
    const std::vector<const StudyRow*> names = names_of(study_);
    panel_ = {kLeft,
              at,
              kLeft + width_ * static_cast<double>(study_.sections.size()),
              at + kRow * static_cast<double>(names.size()),
              {0.0, static_cast<double>(study_.sections.size())},
              {static_cast<double>(names.size()), 0.0},
              {}};
    for (std::size_t i = 0; i < names.size(); ++i) add_row(*names[i], i);
    const double bottom = panel_.bottom;
    figure_.panels.push_back(std::move(panel_));
    figure_.summary = summary_;
    figure_.add_caption(
        bottom, fmt::format("{}. Blank: not run. {}", study_.seeds_text(), study_.origin()));
    return std::move(figure_);
  }

 private:
  /// What a column is of, over as many lines as it needs. @returns the lowest base line
  double add_heads(double top) {
    std::vector<std::vector<std::string>> heads;
    std::size_t most = 1;
    for (const StudySection& section : study_.sections) {
      heads.push_back(wrapped_lines(section.title, width_ - 6.0, kTickSize));
      most = std::max(most, heads.back().size());
    }
    for (std::size_t i = 0; i < heads.size(); ++i) {
      const double x = kLeft + width_ * (static_cast<double>(i) + 0.5) - kGap / 2.0;
      for (std::size_t j = 0; j < heads[i].size(); ++j) {
        const double line = static_cast<double>(most - heads[i].size() + j + 1);
        figure_.add({x, top + 15.0 * line, heads[i][j], kTickSize, ink::kMuted, Anchor::kMiddle});
      }
    }
    return top + 15.0 * static_cast<double>(most);
  }

  void add_row(const StudyRow& named, std::size_t place) {
    const double middle = panel_.top + kRow * (static_cast<double>(place) + 0.5);
    figure_.add({kMargin, middle + 3.0, shortened(named.name, kLeft - kMargin - 12.0, 13.5, true),
                 13.5, named.style->text, Anchor::kStart, true});
    for (std::size_t i = 0; i < study_.sections.size(); ++i) {
      for (const StudyRow& row : study_.sections[i].rows) {
        if (row.name == named.name) add_cell(study_.sections[i], row, i, place);
      }
    }
  }

  void add_cell(const StudySection& section, const StudyRow& row, std::size_t column,
                std::size_t place) {
    const GroupResult& group = *row.trained;
    if (group.runs() == 0) return;
    const double share = static_cast<double>(group.solved()) / static_cast<double>(group.runs());
    const auto x = static_cast<double>(column);
    const auto y = static_cast<double>(place);
    Mark box;
    box.kind = MarkKind::kBand;
    box.points = {{x, y}, {x + 1.0 - kGap / width_, y}};
    box.upper = {y + 1.0 - kGap / kRow, y + 1.0 - kGap / kRow};
    box.ink = shade_of(share);
    const std::string says = fmt::format("{}/{}", group.solved(), group.runs());
    box.name = fmt::format("{}, {}: {}", row.name, section.title, says);
    panel_.marks.push_back(std::move(box));
    figure_.add({panel_.px(x + 0.5) - kGap / 2.0, panel_.top + kRow * (y + 0.5) + 3.0, says, 12.5,
                 is_strong(share) ? ink::kOnStrong : ink::kText, Anchor::kMiddle,
                 group.solved() > 0});
    figure_.data.rows.push_back({section.title, row.name, row.named.variant,
                                 csv_text(group.solved()), csv_text(group.runs()),
                                 csv_text(share)});
    summary_ +=
        fmt::format("{}{}, {}: {}", summary_.empty() ? "" : "; ", row.name, section.title, says);
  }

  const Study& study_;
  double width_ = 0.0;
  Figure figure_;
  Panel panel_;
  std::string summary_;
};

}  // namespace

Drawn draw_solved_map(const Study& scored) {
  const Study study = scored.by_training();
  if (study.sections.size() < 2) return {std::nullopt, "it has one setting"};
  if (study.sections.size() > kMostSettings) {
    return {std::nullopt,
            fmt::format("{} settings are more than {}", study.sections.size(), kMostSettings)};
  }
  return {MapPicture(study).draw(), ""};
}

}  // namespace recollect::plot
