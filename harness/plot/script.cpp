#include "harness/plot/script.hpp"

#include <fmt/format.h>

#include <cmath>

namespace recollect::plot {
namespace {

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.10g}", value) : "NaN";
}

void add_data(std::string& script, std::size_t index, const Mark& mark) {
  script += fmt::format("$m{} << EOD\n", index);
  for (std::size_t i = 0; i < mark.points.size(); ++i) {
    const Point& point = mark.points[i];
    // Not a missing value, across which gnuplot would draw the line.
    script += fmt::format("{} {}", number(point.x), number(point.y));
    if (mark.kind == MarkKind::kBand) script += fmt::format(" {}", number(mark.upper[i]));
    script += '\n';
  }
  script += "EOD\n";
}

std::string drawn(std::size_t index, const Mark& mark) {
  const std::string with =
      mark.kind == MarkKind::kBand
          ? fmt::format("using 1:2:3 with filledcurves fs transparent solid {} noborder fc",
                        mark.opacity)
      : mark.kind == MarkKind::kDots
          ? fmt::format("using 1:2 with points pt 7 ps {:.3f} lc", mark.size / 4.5)
          : fmt::format("using 1:2 with lines lw {} lc", mark.size);
  return fmt::format("$m{0} {1} rgb \"{2}\" title \"m{0}\"", index, with, mark.ink.light);
}

void set_axis(std::string& script, char name, const Axis& axis) {
  script += axis.scale == Scale::kLog ? fmt::format("set logscale {} 2\n", name)
                                      : fmt::format("unset logscale {}\n", name);
  script += fmt::format("set {}range [{}:{}]\n", name, number(axis.low), number(axis.high));
}

void add_panel(std::string& script, const Figure& figure, const Panel& panel,
               std::size_t first_mark) {
  std::string plots;
  for (std::size_t i = 0; i < panel.marks.size(); ++i) {
    if (panel.marks[i].points.empty() || panel.marks[i].kind == MarkKind::kBoxes) continue;
    add_data(script, first_mark + i, panel.marks[i]);
    plots += (plots.empty() ? "plot " : ", \\\n  ") + drawn(first_mark + i, panel.marks[i]);
  }
  if (plots.empty()) return;
  script += fmt::format("set lmargin at screen {}\nset rmargin at screen {}\n",
                        number(panel.left / kWidth), number(panel.right / kWidth));
  script += fmt::format("set tmargin at screen {}\nset bmargin at screen {}\n",
                        number(1.0 - panel.top / figure.height),
                        number(1.0 - panel.bottom / figure.height));
  set_axis(script, 'x', panel.x);
  set_axis(script, 'y', panel.y);
  script += plots + '\n';
}

}  // namespace

std::string gnuplot_script(const Figure& figure) {
  std::string script = fmt::format(
      "set encoding utf8\nset terminal svg size {},{} name \"p\"\nunset key\nset border 0\n"
      "unset tics\nset multiplot\n",
      kWidth, figure.height);
  std::size_t mark = 0;
  for (const Panel& panel : figure.panels) {
    add_panel(script, figure, panel, mark);
    mark += panel.marks.size();
  }
  script += "unset multiplot\n";
  return script;
}

}  // namespace recollect::plot
