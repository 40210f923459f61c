#include "harness/live/live_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "harness/live/sentences.hpp"
#include "harness/live/time_text.hpp"

namespace recollect::live {
namespace {

constexpr std::size_t kSettingsFrom = 110;  // columns of the terminal
constexpr std::size_t kAccuracy = 7;        // "100.0 %"
constexpr std::size_t kLoss = 9;            // "loss 0.00"
constexpr std::size_t kSpeed = 5;           // "150/s"
constexpr std::size_t kTime = 6;            // "59m59s"

/// How much of a cell a line tells.
struct Layout {
  bool compact = false;
  std::size_t label = 0;  // columns of each part; 0: not told
  std::size_t settings = 0;
  std::size_t seed = 0;  // of the number alone
  std::size_t outcome = 0;
  std::size_t spark = 0;
  bool loss = false;
  bool speed = false;
  bool time = false;

  [[nodiscard]] std::size_t width() const {
    const std::size_t gap = compact ? 1 : 2;
    std::size_t sum = compact ? 1 : 7;
    sum += label + 2 + (compact ? 1 : 5) + seed + 2 + outcome;
    if (settings > 0) sum += settings + 2;
    if (spark > 0) sum += spark + (compact ? 1 : 2);
    sum += gap + kAccuracy;
    const std::size_t running = (loss ? 2 + kLoss : 0) + (speed ? 2 + kSpeed : 0);
    return sum + std::max(running, time ? gap + kTime : 0);
  }
};

std::string steps_text(std::int64_t step, std::int64_t steps) {
  return fmt::format("{} / {}", with_commas(step), with_commas(steps));
}

/// The first of the layouts, from the richest on, that fits; of the last one labels are cut.
Layout layout_for(const SweepState& state, const View& view) {
  std::size_t label = 1, settings = 0, seed = 1;
  for (const auto& [index, text] : state.texts()) {
    label = std::max(label, columns(shown(text.variant, view.utf8)));
    settings = std::max(settings, columns(shown(text.settings_text(), view.utf8)));
    seed = std::max(seed, std::to_string(text.seed).size());
  }
  const std::string most = with_commas(state.most_steps());
  Layout full;
  full.label = std::min<std::size_t>(label, 28);
  full.seed = seed;
  full.outcome = std::max(most.size() + 10, 2 * most.size() + 3);  // "solved at 6,000"
  full.spark = 24;
  full.loss = full.speed = full.time = true;
  Layout compact = full;
  compact.compact = true;
  compact.spark = 12;
  compact.label = std::min<std::size_t>(label, 20);
  compact.outcome = std::max<std::size_t>(most.size() + 1, 7);  // "@6,000", "scoring"
  compact.loss = compact.speed = false;

  // From the richest on; a curve is shortened to `least` letters before the next one is taken.
  struct Choice {
    Layout layout;
    std::size_t least = 0;
  };
  std::vector<Choice> choices;
  if (view.width >= kSettingsFrom && settings > 0) {
    for (const std::size_t most_columns : {std::size_t{40}, std::size_t{24}, std::size_t{16}}) {
      choices.push_back({full, 20});
      choices.back().layout.settings = std::min(settings, most_columns);
    }
  }
  choices.push_back({full, 20});
  full.speed = false;
  choices.push_back({full, 20});
  full.loss = false;
  choices.push_back({full, 12});
  choices.push_back({compact, 6});
  compact.time = false;
  choices.push_back({compact, 6});
  compact.spark = 0;
  for (Choice& choice : choices) {
    Layout& layout = choice.layout;
    const std::size_t wide = layout.width();
    const std::size_t over = wide < view.width ? 0 : wide + 1 - view.width;
    if (layout.spark < choice.least + over) continue;
    layout.spark -= over;
    return layout;
  }
  if (const std::size_t wide = compact.width(); wide >= view.width) {
    compact.label -= std::min(compact.label - 1, wide + 1 - view.width);
  }
  return compact;
}

/// A line that is put together from left to right.
class Parts {
 public:
  Parts(const Layout& layout, const View& view) : layout_(layout), view_(view) {}

  void add(std::string text, Tone tone = Tone::kPlain) { line_.push_back({std::move(text), tone}); }

  /// Marks, label, settings and seed.
  void head(char mark, const char* word, Tone tone, const CellText& text) {
    const char* const dots = view_.utf8 ? "…" : "~";
    if (layout_.compact) {
      add(std::string(1, mark), tone);
    } else {
      add(" ");
      add(fmt::format("{:<6}", word), tone);
    }
    add(fitted(shown(text.variant, view_.utf8), layout_.label, dots) + "  ");
    if (layout_.settings > 0) {
      add(fitted(shown(text.settings_text(), view_.utf8), layout_.settings, dots) + "  ");
    }
    add(fmt::format("{}{:<{}}  ", layout_.compact ? "s" : "seed ", text.seed, layout_.seed));
  }

  void outcome(const std::string& text, Tone tone = Tone::kPlain) {
    add(text, tone);
    const std::size_t used = columns(text);
    add(std::string(layout_.outcome - std::min(layout_.outcome, used), ' '));
  }

  void curve(const RunningCell& cell) {
    if (layout_.spark == 0) return;
    add((layout_.compact ? " " : "  ") + sparkline(cell.curve_view(), layout_.spark, view_.utf8));
  }

  void accuracy(const std::optional<double>& accuracy) {
    add(fmt::format("{}{:>{}}", layout_.compact ? " " : "  ",
                    accuracy ? fmt::format("{:.1f} %", 100.0 * *accuracy) : "-", kAccuracy));
  }

  [[nodiscard]] Line line() const {
    Line line = line_;
    while (!line.empty()) {  // blanks at the end are columns for nothing
      std::string& text = line.back().text;
      text.erase(text.find_last_not_of(' ') + 1);
      if (!text.empty()) break;
      line.pop_back();
    }
    return line;
  }

 private:
  const Layout& layout_;
  const View& view_;
  Line line_;
};

std::string speed_text(double steps_a_second) {
  if (steps_a_second < 10.0) return fmt::format("{:.1f}/s", steps_a_second);
  if (steps_a_second < 999.5) return fmt::format("{:.0f}/s", steps_a_second);
  return fmt::format("{:.0f}k/s", steps_a_second / 1000.0);
}

std::string loss_text(double loss) {
  return loss < 10.0 ? fmt::format("loss {:.2f}", loss) : fmt::format("loss {:.1f}", loss);
}

Line running_line(const RunningCell& cell, const Layout& layout, const View& view) {
  Parts parts(layout, view);
  parts.head('>', "run", Tone::kPlain, cell.text);
  if (cell.scoring) {
    parts.outcome("scoring");
  } else {
    parts.outcome(layout.compact ? with_commas(cell.step) : steps_text(cell.step, cell.steps));
  }
  parts.curve(cell);
  parts.accuracy(cell.accuracy);
  if (layout.loss) parts.add("  " + fitted(cell.loss ? loss_text(*cell.loss) : "", kLoss, ""));
  const std::optional<double> speed = cell.steps_a_second();
  if (layout.speed && speed) parts.add("  " + speed_text(*speed));
  return parts.line();
}

std::vector<std::string> sweep_texts(const SweepState& state, const View& view, double now) {
  const SweepCounts counts = state.counts();
  const std::string left = left_text(state.left(now));
  const std::string and_left = left.empty() ? "" : ", " + left;
  const bool verifying = state.what() == SweepState::Of::kVerification;
  const auto of = [&](const char* between) {
    return fmt::format("{}{}{}", counts.done, between, counts.cells);
  };
  const std::string full = verifying ? of(" of ") + " done"
                                     : fmt::format("{} done, {} solved, {} failed", of(" of "),
                                                   counts.solved, counts.failed);
  const std::string brief = verifying ? of("/") + " verified"
                                      : fmt::format("{} done, {} solved, {} failed", of("/"),
                                                    counts.solved, counts.failed);
  const std::string so_far = duration_text(now) + " so far";
  const std::string label = verifying ? " verify" : " sweep";
  const std::string filled = bar(state.share_done(), 24, view.utf8);
  return {fmt::format("{} {}   {}  {}{}", label, full, filled, so_far, and_left),
          fmt::format("{} {}; {}{}", label, full, so_far, and_left),
          fmt::format(" {}{}", brief, and_left), fmt::format(" {} done{}", of("/"), and_left),
          fmt::format(" {}", of("/"))};
}

Line sweep_line(const SweepState& state, const View& view, double now) {
  const std::vector<std::string> texts = sweep_texts(state, view, now);
  for (const std::string& text : texts) {
    if (columns(text) < view.width) return {{text, Tone::kPlain}};
  }
  return {{texts.back(), Tone::kPlain}};
}

}  // namespace

std::vector<Line> live_lines(const SweepState& state, const View& view, double now) {
  const Layout layout = layout_for(state, view);
  const std::size_t most = view.width > 0 ? view.width - 1 : 0;
  // A terminal of three rows or fewer has room for the sweep alone.
  const std::size_t room = view.rows > 3 ? view.rows - 3 : 0;
  const std::size_t cells = room > 0 ? state.running().size() : 0;
  const std::size_t shown_cells = cells > room + 1 ? room : cells;  // else one has the last place
  std::vector<Line> lines;
  for (const auto& [index, cell] : state.running()) {
    if (lines.size() == shown_cells) break;
    lines.push_back(running_line(cell, layout, view));
  }
  if (lines.size() < cells) {
    lines.push_back({{fmt::format(" and {} more", cells - lines.size()), Tone::kPlain}});
  }
  lines.push_back(sweep_line(state, view, now));
  for (Line& line : lines) line = cut(line, most);
  return lines;
}

Line ended_line(const SweepState& state, const EndedCell& cell, const View& view) {
  const Layout layout = layout_for(state, view);
  Parts parts(layout, view);
  const bool bad = cell.ending != Ending::kFinished || cell.verified == false;
  parts.head(bad ? '!' : ' ', bad ? "fail" : "done", bad ? Tone::kBad : Tone::kPlain,
             cell.last.text);
  if (bad) {
    parts.add(cell.verified ? "cannot be compared" : name_of(cell.ending), Tone::kBad);
    if (!cell.reason.empty()) parts.add(": " + shown(cell.reason, view.utf8));
    return parts.line();
  }
  if (cell.verified) {
    parts.outcome(layout.compact ? "same" : "the same bytes");
  } else if (cell.solved_step) {
    parts.outcome(
        fmt::format("{}{}", layout.compact ? "@" : "solved at ", with_commas(*cell.solved_step)),
        Tone::kGood);
  } else {
    parts.outcome(layout.compact ? "no" : "not solved");
  }
  parts.curve(cell.last);
  parts.accuracy(cell.verified ? cell.last.accuracy : cell.accuracy);
  if (cell.elsewhere) {
    if (!layout.compact) parts.add("  elsewhere");
  } else if (layout.time && cell.seconds) {
    parts.add((layout.compact ? " " : "  ") + duration_text(*cell.seconds));
  }
  Line line = parts.line();
  return cut(line, view.width > 0 ? view.width - 1 : 0);
}

Line stopped_line(const SweepState& state, const RunningCell& cell, const View& view) {
  const Layout layout = layout_for(state, view);
  Parts parts(layout, view);
  parts.head('-', "stop", Tone::kPlain, cell.text);
  parts.add(saved_text(cell));
  return parts.line();
}

}  // namespace recollect::live
