// The live display of `recollect run`, up to the bytes for the terminal; what a terminal makes of
// them is tests/programs/terminal_test.py's.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/live/count_text.hpp"
#include "harness/live/events.hpp"
#include "harness/live/frame.hpp"
#include "harness/live/line.hpp"
#include "harness/live/live_lines.hpp"
#include "harness/live/sentences.hpp"
#include "harness/live/sparkline.hpp"
#include "harness/live/sweep_state.hpp"
#include "harness/live/time_text.hpp"

namespace recollect::live {
namespace {

/// A sweep of 24 cells, of which three run, one has ended and one has failed.
class ShownSweep {
 public:
  explicit ShownSweep(std::string_view first = "fixed-decay",
                      SweepState::Of what = SweepState::Of::kRun)
      : state(what),
        experiment_(parse_experiment(fmt::format(R"(experiment: x
task: {{name: mqar, length: 128, pairs: 32, vocab: 80}}
model: {{width: 16}}
variants: [{{name: fixed-decay, label: {}}}, adaptive-decay]
train: {{steps: 6000, eval_every: 500}}
grid: {{task.pairs: [16, 32]}}
seeds: [4, 5, 6, 7, 8, 12]
)",
                                                 first),
                                     "x.yaml")) {
    plan = plan_run(experiment_, "/nonexistent/folder");
    plan.jobs = 3;
    plan.threads = 1;
    state.plan(plan);
  }

  void begin(std::size_t index, std::int64_t step, const std::vector<double>& accuracies) {
    const PlannedCell& cell = plan.cells.at(index);
    state.start(cell, 0.0);
    std::int64_t at = 0;
    for (const double accuracy : accuracies) {
      state.evaluation(cell, row(at += 500, accuracy));
    }
    state.step(cell, step - 100, 90.0);
    state.step(cell, step, 92.0);
  }

  static HistoryRow row(std::int64_t step, double accuracy) {
    HistoryRow row;
    row.step = step;
    row.loss = 4.5 * (1.0 - accuracy);
    row.validation_accuracy = accuracy;
    return row;
  }

  EndedCell finish(std::size_t index, std::optional<std::int64_t> solved, double accuracy) {
    const PlannedCell& cell = plan.cells.at(index);
    CellOutcome outcome;
    outcome.status.steps = 6000;
    outcome.status.solved_step = solved;
    outcome.accuracy = accuracy;
    outcome.seconds = 175.0;
    state.step(cell, 6000, 93.0);
    return state.end(cell, outcome, 94.0);
  }

  EndedCell fail(std::size_t index) {
    CellOutcome outcome;
    outcome.status.ending = Ending::kDiverged;
    outcome.status.reason = "step 300: loss nan, gradient norm nan";
    outcome.seconds = 3.0;
    return state.end(plan.cells.at(index), outcome, 95.0);
  }

  [[nodiscard]] std::string shown(const View& view) const {
    std::string text;
    for (const Line& line : live_lines(state, view, 95.0)) text += text_of(line) + "\n";
    return text;
  }

  SweepState state;
  RunPlan plan;

 private:
  Experiment experiment_;
};

const std::vector<double> kLate{0.0, 0.0, 0.02, 0.03, 0.55, 0.999};

ShownSweep three_running() {
  ShownSweep sweep;
  sweep.begin(0, 3150, kLate);
  sweep.begin(9, 1200, {0.03, 0.031});
  sweep.begin(23, 100, {});
  return sweep;
}

constexpr View kWide{.width = 130, .rows = 24, .utf8 = true};

}  // namespace

TEST_CASE("live: counts and durations as people read them") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(-1234567) == "-1,234,567");
  CHECK(duration_text(0.2) == "1s");
  CHECK(duration_text(130.0) == "2m10s");
  CHECK(duration_text(3.0 * 3600 + 299) == "3h04m");
  CHECK(duration_text(52.0 * 3600) == "2d04h");
  CHECK(rough_duration_text(130.0) == "2m10s");
  CHECK(rough_duration_text(1861.0) == "32m");
  CHECK(rough_duration_text(3599.0) == "59m59s");
}

TEST_CASE("live: columns are those of a terminal, not bytes") {
  CHECK(columns("abc") == 3);
  CHECK(columns("▁█·…λ") == 5);
  CHECK(columns("e\u0301") == 1);
  CHECK(columns("記憶") == 4);
  CHECK(columns("\xff\xfe") == 2);
  CHECK(fitted("λ", 3, "…") == "λ  ");
  CHECK(fitted("adaptive", 5, "…") == "adap…");
  CHECK(shortened("adaptive", 8, "…") == "adaptive");
  CHECK(shortened("記憶記", 4, "…") == "記…");
  CHECK(fitted("記憶記", 4, "…") == "記… ");
  CHECK(text_of(cut({{"▁▁"}, {"記憶"}, {"x"}}, 5)) == "▁▁記");
  CHECK(text_of(cut({{"ab"}, {"cd"}}, 2)) == "ab");
  CHECK(shown("a\x1b[2Jb", true) == "a\\x1b[2Jb");
  CHECK(shown("größe", false) == "gr??e");
}

TEST_CASE("live: a sparkline is as long as the training, and full blocks solve the task") {
  const std::vector<CurvePoint> points{{100, 0.0}, {200, 0.5}, {300, 0.98}, {400, 1.0}};
  const auto at = [&](std::int64_t step) { return Curve{points, step, 800, 0.99}; };
  CHECK(sparkline(at(0), 8, true) == "········");
  CHECK(sparkline(at(99), 8, true) == "········");
  CHECK(sparkline(at(400), 8, true) == "▁▄▇█····");
  CHECK(sparkline(at(800), 8, true) == "▁▄▇█████");
  CHECK(sparkline(at(800), 4, true) == "▄███");
  CHECK(sparkline(at(400), 10, false) == "[_-*#    ]");
  CHECK(sparkline(at(400), 0, true).empty());
  const std::vector<CurvePoint> odd{{100, std::numeric_limits<double>::quiet_NaN()}, {200, -1.0}};
  CHECK(sparkline({odd, 800, 800, 0.99}, 4, true) == "▁▁▁▁");
  CHECK(sparkline({{}, 800, 800, 0.99}, 2, true) == "▁▁");
  CHECK(bar(0.5, 4, true) == "██░░");
  CHECK(bar(2.0, 4, false) == "####");
  CHECK(bar(0.99, 4, false) == "###.");
}

TEST_CASE("live: what a line tells depends on the width") {
  const ShownSweep sweep = three_running();
  CHECK(sweep.shown({.width = 100, .rows = 24, .utf8 = true}) ==
        " run   fixed-decay     seed 4   3,150 / 6,000    ▁▁▁▁▁▁▁▁▄▄██············   99.9 %  "
        "loss 0.00  50/s\n");
}

TEST_CASE("live: no line is as wide as the terminal") {
  for (const char* label :
       {"x", "fixed-decay", "\"a label that is much longer than any room for it\"",
        "\"記憶の記憶の記憶の記憶の記憶の記憶\""}) {
    ShownSweep sweep(label);
    sweep.begin(0, 3150, kLate);
    sweep.begin(9, 1200, {0.03, 0.031});
    const EndedCell ended = [&] {
      sweep.begin(1, 6000, kLate);
      return sweep.finish(1, 3000, 0.995);
    }();
    for (std::size_t width = 1; width < 200; ++width) {
      CAPTURE(width);
      for (const bool utf8 : {true, false}) {
        const View view{.width = width, .rows = 24, .utf8 = utf8};
        for (const Line& line : live_lines(sweep.state, view, 95.0)) {
          CHECK(columns(line) < width);
          if (!utf8) {
            for (const char letter : text_of(line)) CHECK(static_cast<unsigned char>(letter) < 128);
          }
        }
        CHECK(columns(ended_line(sweep.state, ended, view)) < width);
      }
    }
  }
}

}  // namespace recollect::live
