#include "harness/plot/panels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/plot/numbers.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr double kLeft = 56.0;  // room for the ticks of the y axis
constexpr double kNameHeight = 24.0;
constexpr double kTicksHeight = 34.0;
constexpr double kSectionHeight = 20.0;

constexpr std::size_t kMostGhosts = 12;
constexpr std::size_t kFewestColumns = 3;  // beyond that a long name is cut

double panel_width(std::size_t columns, double gap) {
  const auto count = static_cast<double>(columns);
  return (kWidth - kMargin - kLeft - gap * (count - 1.0)) / count;
}

Panel empty_panel(double left, double top, double width, const PanelGrid& grid) {
  Panel panel{left, top, left + width, top + grid.height, grid.x, {-2.0, 102.0}, {}};
  for (const double level : {0.0, 25.0, 50.0, 75.0, 100.0}) {
    panel.marks.push_back(level_line(grid.x, level, ink::kGrid, kGridLine, Dash::kSolid));
  }
  return panel;
}

void add_ticks(Figure& figure, const Panel& panel, bool is_first) {
  for (const Tick& tick : panel.x_ticks) {
    figure.add({panel.px(tick.value), panel.bottom + 17.0, tick.text, kTickSize, ink::kMuted,
                Anchor::kMiddle, tick.bold});
  }
  if (!is_first) return;
  for (const int level : {0, 25, 50, 75, 100}) {
    figure.add({panel.left - 7.0, panel.py(level) + 4.0,
                level == 100 ? "100 %" : std::to_string(level), kTickSize, ink::kMuted,
                Anchor::kEnd});
  }
}

/// Powers of ten between two values, with 2 and 5 times these where there is room.
std::vector<Tick> log_ticks(double first, double last, std::size_t most) {
  std::vector<Tick> ticks;
  for (const std::vector<double>& factors :
       {std::vector<double>{1.0, 2.0, 5.0}, {1.0, 5.0}, {1.0}}) {
    ticks.clear();
    for (double power = std::pow(10.0, std::floor(std::log10(first))); power <= last;
         power *= 10.0) {
      for (const double factor : factors) {
        const double value = factor * power;
        if (value >= first * 0.999 && value <= last * 1.001) {
          ticks.push_back({value, short_count(value)});
        }
      }
    }
    if (ticks.size() <= most) break;
  }
  return ticks;
}

/// What draw() has said of a panel.
void add_texts(Figure& figure, const Panel& panel) {
  if (!panel.says.empty()) {
    figure.add({panel.right, panel.top - 8.0, panel.says, kTickSize, ink::kMuted, Anchor::kEnd});
  }
  for (const Label& label : panel.labels) {
    figure.add({panel.px(label.at.x) + label.right, panel.py(label.at.y) + label.down, label.text,
                kTickSize, label.ink, label.anchor});
  }
}

}  // namespace

double add_panels(Figure& figure, double top, const Study& study, const PanelGrid& grid,
                  const DrawPanel& draw) {
  const double width = panel_width(grid.columns, grid.gap);
  double at = top;
  for (const StudySection& section : study.sections) {
    if (!section.title.empty()) {
      at += kSectionHeight;
      figure.add({kMargin, at, section.title, kNameSize, ink::kText, Anchor::kStart, true});
    }
    for (std::size_t i = 0; i < section.rows.size(); ++i) {
      const std::size_t column = i % grid.columns;
      if (column == 0) at += kNameHeight;
      const StudyRow& row = section.rows[i];
      const double left = kLeft + static_cast<double>(column) * (width + grid.gap);
      Panel panel = empty_panel(left, at + 8.0, width, grid);
      figure.add({left, at, shortened(row.name, width, kNameSize, true), kNameSize, row.style->text,
                  Anchor::kStart, true});
      panel.section = section.title;
      panel.name = row.name;
      panel.of = row.named;
      panel.x_ticks = grid.x_ticks;
      draw(panel, section, row);
      add_texts(figure, panel);
      add_ticks(figure, panel, column == 0);
      figure.panels.push_back(std::move(panel));
      if (column + 1 == grid.columns || i + 1 == section.rows.size()) {
        at += 8.0 + grid.height + kTicksHeight - 10.0;
      }
    }
  }
  return at;
}

bool has_ghosts(const StudySection& section) {
  return section.rows.size() > 1 && section.rows.size() <= kMostGhosts;
}

bool has_ghosts(const Study& study) {
  return std::any_of(study.sections.begin(), study.sections.end(),
                     [](const StudySection& section) { return has_ghosts(section); });
}

std::size_t columns_for(const Study& study, std::size_t most, double gap) {
  std::size_t widest = 1;
  double name = 0.0;
  for (const StudySection& section : study.sections) {
    widest = std::max(widest, section.rows.size());
    for (const StudyRow& row : section.rows) {
      name = std::max(name, text_width(row.name, kNameSize, true));
    }
  }
  while (most > kFewestColumns && name > panel_width(most, gap)) --most;
  // 4 of at most 3 stand as 2 and 2.
  if (widest > most) {
    const std::size_t lines = (widest + most - 1) / most;
    return (widest + lines - 1) / lines;
  }
  return std::max<std::size_t>(widest, std::min<std::size_t>(most, 2));
}

PanelGrid step_grid(const Study& study, double last, double first) {
  PanelGrid grid;
  grid.gap = 34.0;
  grid.columns = columns_for(study, 3, grid.gap);
  grid.height = 140.0;
  if (first > 0.0) {
    grid.x = {first, last, Scale::kLog};
    grid.x_ticks = log_ticks(first, last, 6);
  } else {
    grid.x = {0.0, last};
    grid.x_ticks = count_ticks(last, 5);
  }
  return grid;
}

Mark level_line(const Axis& x, double y, const Ink& ink, double width, Dash dash) {
  Mark line;
  line.points = {{x.low, y}, {x.high, y}};
  line.ink = ink;
  line.size = width;
  line.dash = dash;
  return line;
}

std::vector<Tick> count_ticks(double last, std::size_t most) {
  double step = 1.0;
  for (double power = 1.0;; power *= 10.0) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      step = factor * power;
      if (last / step < static_cast<double>(most)) {
        std::vector<Tick> ticks;
        for (double value = 0.0; value <= last * 1.0001; value += step) {
          ticks.push_back({value, short_count(value)});
        }
        return ticks;
      }
    }
  }
}

}  // namespace recollect::plot
