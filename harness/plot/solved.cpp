#include <fmt/format.h>

#include <algorithm>

#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/stats/survival.hpp"

namespace recollect::plot {
namespace {

/// Stairs of the share solved, in per cent, from step 0 to the last that was watched.
struct Stairs {
  std::vector<Point> share;
  std::vector<Point> low;
  std::vector<double> high;  ///< above `low`
};

double last_step(const GroupResult& group) {
  double last = 0.0;
  for (const SolveStep& step : group.solve_steps) {
    last = std::max(last, static_cast<double>(step.step));
  }
  return std::max(last, group.step_limit);
}

Stairs stairs_of(const GroupResult& group, double last) {
  Stairs stairs;
  double share = 0.0;
  Interval interval = group.runs() > 0 ? wilson_interval(0, group.runs()) : Interval{};
  const auto add = [&](double time) {
    stairs.share.push_back({time, share * 100.0});
    stairs.low.push_back({time, interval.low * 100.0});
    stairs.high.push_back(interval.high * 100.0);
  };
  add(0.0);
  for (const EventShare& event : event_shares(waiting_of(group))) {
    add(event.time);
    share = event.share;
    interval = event.interval;
    add(event.time);
  }
  add(last);
  return stairs;
}

class SolvedPicture {
 public:
  explicit SolvedPicture(const Study& study) : study_(study) {
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        last_ = std::max(last_, last_step(*row.trained));
        any_ = any_ || row.trained->solved() > 0;
      }
    }
  }

  [[nodiscard]] bool nothing() const noexcept { return !any_; }

  Figure draw() {
    figure_.title = "Share of seeds that have solved the task";
    figure_.data.header = {"setting", "label", "variant", "step",
                           "share",   "low",   "high",    "not_yet_solved"};
    const double at = figure_.add_heading(
        fmt::format("{}. Line: share of seeds with {} on validation examples by that step; band: "
                    "its 95 % interval. Upright: the step by which half have.{}",
                    study_.setting, threshold(study_.solve_at),
                    has_ghosts(study_) ? " Grey: the other variants." : ""));
    const double bottom = add_panels(figure_, at + 8.0, study_, step_grid(study_, last_),
                                     [&](Panel& panel, const StudySection& section,
                                         const StudyRow& row) { draw_row(panel, section, row); });
    figure_.summary = summary_;
    figure_.add_caption(
        bottom, fmt::format("x: steps of training. {}. Share: Kaplan–Meier. Interval, at each "
                            "step: Wilson's; once a seed has stopped unsolved, Greenwood's. {}",
                            study_.seeds_text(), study_.origin()));
    return std::move(figure_);
  }

 private:
  void draw_row(Panel& panel, const StudySection& section, const StudyRow& row) {
    const GroupResult& group = *row.trained;
    if (has_ghosts(section)) {
      for (const StudyRow& other : section.rows) {
        if (&other == &row) continue;
        Mark ghost;
        ghost.points = stairs_of(*other.trained, last_step(*other.trained)).share;
        ghost.ink = ink::kGhost;
        ghost.size = 1.1;
        ghost.name = other.name;
        ghost.of = other.named;
        panel.marks.push_back(std::move(ghost));
      }
    }
    const Stairs stairs = stairs_of(group, last_step(group));
    Mark band;
    band.kind = MarkKind::kBand;
    band.points = stairs.low;
    band.upper = stairs.high;
    band.ink = row.style->mark;
    band.opacity = kBandOpacity;
    band.of = row.named;
    panel.marks.push_back(std::move(band));
    if (group.solve_step_median) {
      Mark upright;
      upright.points = {{*group.solve_step_median, 0.0}, {*group.solve_step_median, 50.0}};
      upright.ink = row.style->mark;
      upright.size = 1.4;
      upright.dash = Dash::kDashed;
      upright.of = row.named;
      panel.marks.push_back(std::move(upright));
    }
    Mark line;
    line.points = stairs.share;
    line.ink = row.style->mark;
    line.size = kMedianLine;
    line.of = row.named;
    panel.marks.push_back(std::move(line));
    add_data(section, row);
    std::string says = fmt::format("{}/{}", group.solved(), group.runs());
    if (group.solve_step_median) {
      says += ", median " + step_or_later(group.solve_step_median, last_);
    }
    summary_ += fmt::format("{}{}: {}", summary_.empty() ? "" : "; ", row.name, says);
    panel.says = std::move(says);
  }

  void add_data(const StudySection& section, const StudyRow& row) {
    const GroupResult& group = *row.trained;
    const auto add = [&](double step, double share, const Interval& interval, std::int64_t left) {
      figure_.data.rows.push_back({section.title, row.name, row.named.variant, csv_text(step),
                                   csv_text(share), csv_text(interval.low), csv_text(interval.high),
                                   csv_text(left)});
    };
    const Interval none = group.runs() > 0 ? wilson_interval(0, group.runs()) : Interval{};
    add(0.0, 0.0, none, group.runs());
    EventShare last{0.0, 0.0, none, group.runs()};
    for (const EventShare& event : event_shares(waiting_of(group))) {
      add(event.time, event.share, event.interval, event.left);
      last = event;
    }
    add(last_step(group), last.share, last.interval, group.runs() - group.solved());
  }

  const Study& study_;
  double last_ = 1.0;
  bool any_ = false;
  Figure figure_;
  std::string summary_;
};

}  // namespace

Drawn draw_solved(const Study& study) {
  const Study trainings = study.by_training();
  SolvedPicture picture(trainings);
  if (picture.nothing()) return {std::nullopt, "no seed solved its task"};
  return {picture.draw(), ""};
}

}  // namespace recollect::plot
