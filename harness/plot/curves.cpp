#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"

namespace recollect::plot {
namespace {

class CurvesPicture {
 public:
  CurvesPicture(const Study& study, const Histories& histories)
      : study_(study), histories_(histories) {
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        for (std::size_t i = 0; i < row.trained->cells.size(); ++i) add_extent(*row.trained, i);
      }
    }
  }

  [[nodiscard]] bool empty() const noexcept { return last_ <= 0.0; }

  Figure draw() {
    figure_.title = "Learning curves";
    figure_.data.header = {"setting", "label",    "variant",     "seed",
                           "step",    "accuracy", "solved_step", "median_step"};
    const double at = figure_.add_heading(fmt::format(
        "{}. A line is a seed: accuracy on validation examples. Dot: the first check at {} or "
        "more. Upright: the step by which half of all seeds have solved it.",
        study_.setting, threshold(study_.solve_at)));
    const double bottom =
        add_panels(figure_, at + 8.0, study_, step_grid(study_, last_, axis_start()),
                   [&](Panel& panel, const StudySection& section, const StudyRow& row) {
                     draw_row(panel, section, row);
                   });
    figure_.summary = summary_;
    figure_.add_caption(
        bottom,
        fmt::format("x: steps of training{}. Dashed: chance. {}; a seed that does not solve "
                    "it counts as later than its last step (Kaplan–Meier). {}",
                    axis_start() > 0.0 ? ", log scale" : "", study_.seeds_text(), study_.origin()));
    return std::move(figure_);
  }

 private:
  void add_extent(const GroupResult& group, std::size_t seed) {
    const auto found = histories_.find(group.cells[seed]);
    if (found == histories_.end()) return;
    for (const HistoryRow& row : found->second) {
      last_ = std::max(last_, static_cast<double>(row.step));
    }
    if (!solved(group, seed)) return;
    const auto step = static_cast<double>(group.solve_steps[seed].step);
    first_solved_ = std::min(first_solved_, step);
    last_solved_ = std::max(last_solved_, step);
  }

  /// Where the axis of steps begins: above 0 on a log scale, which a long training needs, and seeds
  /// that solve the task at very different times.
  [[nodiscard]] double axis_start() const {
    constexpr double kLong = 10000.0;
    constexpr double kStart = 500.0;
    const bool spread = last_solved_ > 10.0 * first_solved_;
    if ((last_ < kLong && !spread) || last_ <= 4.0 * kStart) return 0.0;
    return std::min(kStart, first_solved_);
  }

  void draw_row(Panel& panel, const StudySection& section, const StudyRow& row) {
    const GroupResult& group = *row.trained;
    if (group.chance) {
      panel.marks.push_back(level_line(panel.x, *group.chance * 100.0, ink::kReference,
                                       kReferenceLine, Dash::kDashed));
    }
    const bool has_median = group.solve_step_median && *group.solve_step_median <= last_;
    if (has_median) {
      Mark upright;
      upright.points = {{*group.solve_step_median, 0.0}, {*group.solve_step_median, 100.0}};
      upright.ink = row.style->mark;
      upright.size = 1.4;
      upright.dash = Dash::kDashed;
      upright.of = row.named;
      panel.marks.push_back(std::move(upright));
    }
    Mark dots;
    dots.kind = MarkKind::kDots;
    dots.ink = row.style->mark;
    dots.marker = row.style->marker;
    dots.size = 2.3;
    dots.of = row.named;
    for (std::size_t i = 0; i < group.cells.size(); ++i) add_seed(panel, section, row, i, dots);
    panel.marks.push_back(std::move(dots));
    std::string says = fmt::format("{}/{}", group.solved(), group.runs());
    if (has_median) says += ", median " + step_or_later(group.solve_step_median, last_);
    if (group.diverged > 0) says += fmt::format(", {} diverged", group.diverged);
    summary_ += fmt::format("{}{}: {}", summary_.empty() ? "" : "; ", row.name, says);
    panel.says = std::move(says);
  }

  void add_seed(Panel& panel, const StudySection& section, const StudyRow& row, std::size_t seed,
                Mark& dots) {
    const GroupResult& group = *row.trained;
    const auto found = histories_.find(group.cells[seed]);
    if (found == histories_.end()) return;
    Mark line;
    line.ink = row.style->mark;
    line.size = kSeedLine;
    line.dash = row.style->dash;
    line.name = fmt::format("{}, seed {}", row.name, group.seeds[seed]);
    line.of = row.named;
    line.cells = {group.cells[seed]};
    const std::int64_t solved_step = solved(group, seed) ? group.solve_steps[seed].step : -1;
    for (const HistoryRow& check : found->second) {
      const Point point{static_cast<double>(check.step), check.validation_accuracy * 100.0};
      line.points.push_back(point);
      if (check.step == solved_step) {
        dots.points.push_back(point);
        dots.cells.push_back(group.cells[seed]);
      }
      figure_.data.rows.push_back({section.title, row.name, row.named.variant,
                                   csv_text(group.seeds[seed]), csv_text(check.step),
                                   csv_text(check.validation_accuracy),
                                   solved_step >= 0 ? csv_text(solved_step) : "",
                                   csv_text(value_of(group.solve_step_median))});
    }
    panel.marks.push_back(std::move(line));
  }

  const Study& study_;
  const Histories& histories_;
  double last_ = 0.0;
  double first_solved_ = std::numeric_limits<double>::infinity();
  double last_solved_ = 0.0;
  Figure figure_;
  std::string summary_;
};

}  // namespace

Drawn draw_curves(const Study& study, const Histories& histories) {
  const Study trainings = study.by_training();
  CurvesPicture picture(trainings, histories);
  if (picture.empty()) {
    return {std::nullopt, "a table has no histories; give the runs or their archive"};
  }
  return {picture.draw(), ""};
}

}  // namespace recollect::plot
