#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr double kDodge = 0.22;  // octaves between variants whose states have the same size

/// The groups of one label by the size of their state, of one section.
struct Label {
  const StudyRow* row = nullptr;
  std::map<std::int64_t, std::vector<const GroupResult*>> by_size;
};

std::vector<Label> labels_of(const StudySection& section) {
  std::vector<Label> labels;
  for (const StudyRow& row : section.rows) {
    auto found = std::find_if(labels.begin(), labels.end(),
                              [&](const Label& label) { return label.row->named == row.named; });
    if (found == labels.end()) {
      labels.push_back({&row, {}});
      found = labels.end() - 1;
    }
    found->by_size[row.trained->state_floats].push_back(row.trained);
  }
  return labels;
}

class StatePicture {
 public:
  explicit StatePicture(const Study& study) : study_(study) {
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        if (row.trained->state_floats > 0) sizes_.insert(row.trained->state_floats);
        lengths_.insert(row.trained->key ? row.trained->key->eval_length : 0);
      }
    }
  }

  [[nodiscard]] std::size_t sizes() const noexcept { return sizes_.size(); }

  Figure draw() {
    figure_.title = "Accuracy against the size of the state";
    figure_.data.header = {"setting", "label",    "variant", "state_floats",
                           "seed",    "accuracy", "solved",  "chance"};
    double at = figure_.add_heading(
        fmt::format("{}. A dot is a seed: filled solved the task ({} on validation examples at "
                    "some check), hollow did not. Variants with the same state stand side by side.",
                    study_.setting, threshold(study_.solve_at)));
    // A panel a section: its name stands where that of a row stands elsewhere.
    Study sections = study_;
    StudySection all{"", std::nullopt, {}};
    const VariantStyle plain{ink::kText, ink::kText, Marker::kCircle, Dash::kSolid, ""};
    for (const StudySection& section : study_.sections) {
      StudyRow row = section.rows.front();
      row.name = section.title;
      row.style = &plain;
      all.rows.push_back(row);
    }
    sections.sections = {all};
    std::size_t next = 0;
    at = add_panels(figure_, at + 8.0, sections, grid(sections),
                    [&](Panel& panel, const StudySection&, const StudyRow&) {
                      draw_section(panel, study_.sections[next++]);
                    });
    at = add_names(at);
    figure_.summary =
        fmt::format("Accuracy of {} rows at {} sizes of the state", study_.rows(), sizes());
    const std::string tokens = lengths_.size() == 1
                                   ? fmt::format("{} tokens", with_commas(*lengths_.begin()))
                                   : std::string("an example of the training length");
    figure_.add_caption(
        at,
        fmt::format(
            "x: numbers that decoding keeps after {}, all layers together, log scale (1k = 1,024). "
            "{}Dashed: chance. Best weights, {}. {}. {}",
            tokens, joined_ ? "Lines: medians of a variant's sizes. " : "", study_.examples_text(),
            study_.seeds_text(), study_.origin()));
    return std::move(figure_);
  }

 private:
  [[nodiscard]] PanelGrid grid(const Study& sections) const {
    PanelGrid grid;
    grid.gap = 22.0;
    grid.columns = columns_for(sections, 4, grid.gap);
    grid.height = 170.0;
    const auto least = static_cast<double>(*sizes_.begin());
    const auto most = static_cast<double>(*sizes_.rbegin());
    grid.x = {least / 2.0, most * 2.0, Scale::kLog};
    const double octaves = std::log2(most / least) + 2.0;
    const double stride = std::ceil(octaves / (grid.columns > 2 ? 4.0 : 8.0));
    for (double power = std::ceil(std::log2(least) - 0.5); std::exp2(power) < most * 1.9;
         power += stride) {
      grid.x_ticks.push_back({std::exp2(power), binary_count(std::exp2(power))});
    }
    return grid;
  }

  void draw_section(Panel& panel, const StudySection& section) {
    for (const StudyRow& row : section.rows) {
      if (!row.trained->chance) continue;
      panel.marks.push_back(level_line(panel.x, *row.trained->chance * 100.0, ink::kReference,
                                       kReferenceLine, Dash::kDashed));
      break;
    }
    const std::vector<Label> labels = labels_of(section);
    std::map<std::int64_t, std::vector<const Label*>> sharing;
    for (const Label& label : labels) {
      if (std::find(names_.begin(), names_.end(), label.row->named) == names_.end()) {
        names_.push_back(label.row->named);
        styles_.push_back(label.row->style);
      }
      for (const auto& [size, groups] : label.by_size) sharing[size].push_back(&label);
    }
    for (const Label& label : labels) {
      std::vector<Point> middle;
      for (const auto& [size, groups] : label.by_size) {
        if (size <= 0) continue;
        const std::vector<const Label*>& beside = sharing[size];
        const auto place =
            static_cast<double>(std::find(beside.begin(), beside.end(), &label) - beside.begin());
        const double dodge = (place - static_cast<double>(beside.size() - 1) / 2.0) * kDodge;
        const double x = static_cast<double>(size) * std::exp2(dodge);
        const double height = add_dots(panel, section, label, size, x);
        middle.push_back({x, height});
      }
      if (middle.size() < 2) continue;
      joined_ = true;
      Mark line;
      line.points = std::move(middle);
      line.ink = label.row->style->mark;
      line.size = kMedianLine;
      line.dash = label.row->style->dash;
      panel.marks.push_back(std::move(line));
    }
  }

  /// @returns the median
  double add_dots(Panel& panel, const StudySection& section, const Label& label, std::int64_t size,
                  double x) {
    Mark dots;
    dots.kind = MarkKind::kDots;
    dots.ink = label.row->style->mark;
    dots.marker = label.row->style->marker;
    dots.size = kDot;
    Mark hollow = dots;
    hollow.filled = false;
    std::vector<double> values;
    for (const GroupResult* group : label.by_size.at(size)) {
      for (std::size_t i = 0; i < group->seeds.size(); ++i) {
        const double accuracy = group->accuracy.values[i];
        (solved(*group, i) ? dots : hollow).points.push_back({x, accuracy * 100.0});
        if (std::isfinite(accuracy)) values.push_back(accuracy);
        figure_.data.rows.push_back(
            {section.title, label.row->named.label, label.row->named.variant, csv_text(size),
             csv_text(group->seeds[i]), csv_text(accuracy), csv_text(solved(*group, i)),
             csv_text(value_of(group->chance))});
      }
    }
    panel.marks.push_back(std::move(hollow));
    panel.marks.push_back(std::move(dots));
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::sort(values.begin(), values.end());
    return median(values) * 100.0;
  }

  /// The variants with their markers, in as many lines as they need.
  double add_names(double at) {
    constexpr double kMarkerRoom = 14.0;
    constexpr double kApart = 26.0;
    double x = kMargin;
    at += 24.0;
    std::vector<Mark> marks;
    const double top = at - 14.0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const double width = text_width(names_[i].label, kNameSize);
      if (x > kMargin && x + kMarkerRoom + width > kWidth - kMargin) {
        x = kMargin;
        at += 20.0;
      }
      Mark mark;
      mark.kind = MarkKind::kDots;
      mark.points = {{x + 4.0, at - 4.0}};
      mark.ink = styles_[i]->mark;
      mark.marker = styles_[i]->marker;
      mark.size = 4.0;
      marks.push_back(std::move(mark));
      figure_.add({x + kMarkerRoom, at, shortened(names_[i].label, kWidth - 2 * kMargin, kNameSize),
                   kNameSize, styles_[i]->text});
      x += kMarkerRoom + width + kApart;
    }
    // A panel whose units are px, which grow downwards.
    figure_.panels.push_back({0.0, top, kWidth, at, {0.0, kWidth}, {at, top}, std::move(marks)});
    return at;
  }

  const Study& study_;
  std::set<std::int64_t> sizes_, lengths_;
  std::vector<Named> names_;
  std::vector<const VariantStyle*> styles_;
  bool joined_ = false;
  Figure figure_;
};

}  // namespace

Drawn draw_state(const Study& study) {
  StatePicture picture(study);
  if (picture.sizes() < 2) return {std::nullopt, "all its states have one size"};
  return {picture.draw(), ""};
}

}  // namespace recollect::plot
