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
constexpr double kSaysHeight = 16.0;  // where what a panel says has a line of its own
constexpr double kNameGap = 12.0;     // between a name and what its panel says
constexpr double kTicksHeight = 34.0;
constexpr double kSectionHeight = 20.0;

constexpr std::size_t kMostGhosts = 12;
constexpr std::size_t kFewestColumns = 3;  // beyond that a long name is cut

double panel_width(std::size_t columns, double gap) {
  const auto count = static_cast<double>(columns);
  return (kWidth - kMargin - kLeft - gap * (count - 1.0)) / count;
}

/// A panel of a row with what draw() gives it, not yet at its place.
Panel drawn_panel(const PanelGrid& grid, const StudySection& section, const StudyRow& row,
                  const DrawPanel& draw) {
  Panel panel;
  panel.x = grid.x;
  panel.y = {-2.0, 102.0};
  panel.section = section.title;
  panel.name = row.name;
  panel.of = row.named;
  panel.x_ticks = grid.x_ticks;
  for (const double level : {0.0, 25.0, 50.0, 75.0, 100.0}) {
    panel.marks.push_back(level_line(grid.x, level, ink::kGrid, kGridLine, Dash::kSolid));
  }
  draw(panel, section, row);
  return panel;
}

/// All panels of a study, section by section.
std::vector<Panel> drawn_panels(const Study& study, const PanelGrid& grid, const DrawPanel& draw) {
  std::vector<Panel> panels;
  for (const StudySection& section : study.sections) {
    for (const StudyRow& row : section.rows) {
      panels.push_back(drawn_panel(grid, section, row, draw));
    }
  }
  return panels;
}

/// Whether the name of a panel leaves no room beside it for what the panel says.
bool is_crowded(const Panel& panel, double width) {
  return !panel.says.empty() &&
         text_width(panel.name, kNameSize, true) + kNameGap + text_width(panel.says, kTickSize) >
             width;
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

/// The name of a panel and what draw() has said of it: beside the name, or below it.
void add_texts(Figure& figure, const Panel& panel, const Ink& ink, bool below) {
  const double line = panel.top - 8.0;
  figure.add({panel.left, below ? line - kSaysHeight : line,
              shortened(panel.name, panel.right - panel.left, kNameSize, true), kNameSize, ink,
              Anchor::kStart, true});
  if (!panel.says.empty()) {
    figure.add({below ? panel.left : panel.right, line, panel.says, kTickSize, ink::kMuted,
                below ? Anchor::kStart : Anchor::kEnd});
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
  std::vector<Panel> panels = drawn_panels(study, grid, draw);
  const bool below = std::any_of(panels.begin(), panels.end(),
                                 [&](const Panel& panel) { return is_crowded(panel, width); });
  auto next = panels.begin();
  double at = top;
  for (const StudySection& section : study.sections) {
    if (!section.title.empty()) {
      at += kSectionHeight;
      figure.add({kMargin, at, section.title, kNameSize, ink::kText, Anchor::kStart, true});
    }
    for (std::size_t i = 0; i < section.rows.size(); ++i) {
      const std::size_t column = i % grid.columns;
      if (column == 0) at += kNameHeight + (below ? kSaysHeight : 0.0);
      Panel& panel = *next++;
      panel.left = kLeft + static_cast<double>(column) * (width + grid.gap);
      panel.right = panel.left + width;
      panel.top = at + 8.0;
      panel.bottom = panel.top + grid.height;
      add_texts(figure, panel, section.rows[i].style->text, below);
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
