// The live display of `recollect run`, up to the bytes for the terminal; what a terminal makes of
// them is tests/programs/terminal_test.py's.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "harness/config/load.hpp"
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

}  // namespace

TEST_CASE("live: counts and durations as people read them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(-1234567) == "-1,234,567");
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
  CHECK(shown("a\x1b[2Jb", true) == "a\\x1B[2Jb");
  CHECK(shown("größe", false) == "gr??e");
}

TEST_CASE("live: a sparkline is as long as the training, and full blocks solve the task") {
  const std::vector<CurvePoint> points{{100, 0.0}, {200, 0.5}, {300, 0.98}, {400, 1.0}};
  const auto at = [&](std::int64_t step) { return Curve{points, step, 800, 0.99}; };
  CHECK(sparkline({{}, 99, 800, 0.99}, 8, true) == "········");
  CHECK(sparkline(at(400), 8, true) == "▁▄▇█····");
  CHECK(sparkline(at(800), 8, true) == "▁▄▇█████");
  CHECK(sparkline(at(800), 4, true) == "▄███");
  CHECK(sparkline(at(400), 10, false) == "[_-*#    ]");
  CHECK(sparkline(at(400), 0, true).empty());
  // Stopped as soon as it was solved, in the middle of a part: the last evaluation is seen.
  CHECK(sparkline(at(400), 5, true) == "▁▇█··");
  const std::vector<CurvePoint> odd{{100, std::numeric_limits<double>::quiet_NaN()}, {200, -1.0}};
  CHECK(sparkline({odd, 800, 800, 0.99}, 4, true) == "▁▁▁▁");
  CHECK(sparkline({{}, 800, 800, 0.99}, 2, true) == "▁▁");
  CHECK(bar(0.5, 4, true) == "██░░");
  CHECK(bar(2.0, 4, false) == "####");
  CHECK(bar(0.99, 4, false) == "###.");
}

TEST_CASE("live: what a line tells depends on the width") {
  const ShownSweep sweep = three_running();
  const auto at = [&](std::size_t width) { return sweep.shown({width, 24, true}); };
  CHECK(
      at(130) ==
      R"( run   fixed-decay     pairs 16  seed 4   3,150 / 6,000    ▁▁▁▁▁▁▁▁▁▄▄█············   99.9 %  loss 0.00  34/s
 run   adaptive-decay  pairs 16  seed 7   1,200 / 6,000    ▁▁▁▁····················    3.1 %  loss 4.36  13/s
 run   adaptive-decay  pairs 32  seed 12  100 / 6,000      ························        -             1.1/s
 sweep 0 of 24 done, 0 solved, 0 failed   ░░░░░░░░░░░░░░░░░░░░░░░░  1m35s so far, about 3h37m left
)");
  CHECK(
      at(100) ==
      R"( run   fixed-decay     seed 4   3,150 / 6,000    ▁▁▁▁▁▁▁▁▁▄▄█···········   99.9 %  loss 0.00  34/s
 run   adaptive-decay  seed 7   1,200 / 6,000    ▁▁▁▁···················    3.1 %  loss 4.36  13/s
 run   adaptive-decay  seed 12  100 / 6,000      ·······················        -             1.1/s
 sweep 0 of 24 done, 0 solved, 0 failed   ░░░░░░░░░░░░░░░░░░░░░░░░  1m35s so far, about 3h37m left
)");
  CHECK(at(80) == R"( run   fixed-decay     seed 4   3,150 / 6,000    ▁▁▁▁▁▄█······   99.9 %
 run   adaptive-decay  seed 7   1,200 / 6,000    ▁▁▁··········    3.1 %
 run   adaptive-decay  seed 12  100 / 6,000      ·············        -
 sweep 0 of 24 done, 0 solved, 0 failed; 1m35s so far, about 3h37m left
)");
  CHECK(at(60) == R"(>fixed-decay     s4   3,150   ▁▁▁▁▄█······  99.9 %
>adaptive-decay  s7   1,200   ▁▁··········   3.1 %
>adaptive-decay  s12  100     ············       -
 0/24 done, 0 solved, 0 failed, about 3h37m left
)");
  CHECK(at(40) == R"(>fixed-decay     s4   3,150    99.9 %
>adaptive-decay  s7   1,200     3.1 %
>adaptive-decay  s12  100           -
 0/24 done, about 3h37m left
)");
  CHECK(at(30) == R"(>fixed…  s4   3,150    99.9 %
>adapt…  s7   1,200     3.1 %
>adapt…  s12  100           -
 0/24 done, about 3h37m left
)");
  CHECK(
      sweep.shown({100, 24, false}) ==
      R"( run   fixed-decay     seed 4   3,150 / 6,000    [________--#          ]   99.9 %  loss 0.00  34/s
 run   adaptive-decay  seed 7   1,200 / 6,000    [____                 ]    3.1 %  loss 4.36  13/s
 run   adaptive-decay  seed 12  100 / 6,000      [                     ]        -             1.1/s
 sweep 0 of 24 done, 0 solved, 0 failed   ........................  1m35s so far, about 3h37m left
)");
}

TEST_CASE("live: cells that have ended stand in the same columns, with their reason whole") {
  ShownSweep sweep;
  sweep.begin(0, 3150, kLate);
  const EndedCell solved = sweep.finish(0, 3000, 0.995);
  sweep.begin(5, 6000, {0.0, 0.2});
  const EndedCell other = sweep.finish(5, std::nullopt, 0.764);
  sweep.begin(9, 300, {});
  const EndedCell failed = sweep.fail(9);
  const View wide{100, 24, true}, narrow{60, 24, true};
  const auto text = [&](const EndedCell& cell, const View& view) {
    return text_of(ended_line(sweep.state, cell, view));
  };
  CHECK(text(solved, wide) ==
        " done  fixed-decay     seed 4   solved at 3,000  ▁▁▁▁▁▁▁▁▁▄▄████████████   99.5 %  2m55s");
  CHECK(text(other, wide) ==
        " done  fixed-decay     seed 12  not solved       ▁▁▁▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂   76.4 %  2m55s");
  CHECK(text(failed, wide) ==
        " fail  adaptive-decay  seed 7   diverged: step 300: loss nan, gradient norm nan");
  CHECK(text(solved, narrow) == " fixed-decay     s4   @3,000  ▁▁▁▁▄███████  99.5 % 2m55s");
  CHECK(text(other, narrow) == " fixed-decay     s12  no      ▁▂▂▂▂▂▂▂▂▂▂▂  76.4 % 2m55s");
  CHECK(text(failed, narrow) ==
        "!adaptive-decay  s7   diverged: step 300: loss nan, gradient norm nan");
  // Words and colours: never a colour without its word.
  std::string good, bad;
  for (const Span& span : ended_line(sweep.state, solved, wide)) {
    if (span.tone == Tone::kGood) good += span.text;
  }
  for (const Span& span : ended_line(sweep.state, failed, wide)) {
    if (span.tone == Tone::kBad) bad += span.text + "|";
  }
  CHECK(good == "solved at 3,000");
  CHECK(bad == "fail  |diverged|");
  CHECK(sweep.state.counts() == SweepCounts{.cells = 24, .done = 3, .solved = 1, .failed = 1});

  CHECK(ended_sentence(solved) ==
        "[cell 1 of 24] fixed-decay mqar pairs 16 seed 4: solved at step 3,000, accuracy 0.995, "
        "6,000 steps, 175.0 s");
  CHECK(
      ended_sentence(other) ==
      "[cell 2 of 24] fixed-decay mqar pairs 16 seed 12: not solved, accuracy 0.764, 6,000 steps, "
      "175.0 s");
  CHECK(
      ended_sentence(failed) ==
      "[cell 3 of 24] adaptive-decay mqar pairs 16 seed 7: diverged: step 300: loss nan, gradient "
      "norm nan");
  CHECK(last_sentence(sweep.state, 95.0) == "3 of 24 cells done, 1 solved, 1 failed; took 1m35s");
}

TEST_CASE("live: cells that are stopped say where, those that go on have their curve again") {
  ShownSweep sweep;
  sweep.begin(0, 3150, {});
  const PlannedCell& cell = sweep.plan.cells[1];
  sweep.state.start(cell, 0.0);
  sweep.state.earlier(cell, ShownSweep::row(500, 0.5));
  sweep.state.resume(cell, 600);
  CHECK(sweep.state.running().at(cell.index).curve.size() == 1);
  CHECK(sweep.state.running().at(cell.index).accuracy == 0.5);
  const RunningCell stopped = sweep.state.stop(sweep.plan.cells[0]);
  CHECK(stopped_sentence(stopped) ==
        "fixed-decay mqar pairs 16 seed 4 stopped: saved at step 3,150 of 6,000");
  CHECK(text_of(stopped_line(sweep.state, stopped, {100, 24, true})) ==
        " stop  fixed-decay     seed 4   saved at step 3,150 of 6,000");
  CHECK(sweep.state.running().size() == 1);
}

TEST_CASE("live: more cells than rows are a number") {
  ShownSweep sweep;
  for (std::size_t index = 0; index < 12; ++index) sweep.begin(index, 100, {});
  const auto lines = [&](std::size_t rows) {
    return live_lines(sweep.state, {100, rows, true}, 95.0);
  };
  CHECK(lines(24).size() == 13);
  CHECK(lines(14).size() == 13);  // and the row on which the cursor stands
  REQUIRE(lines(13).size() == 12);
  CHECK(text_of(lines(13)[10]) == " and 2 more");
  REQUIRE(lines(10).size() == 9);
  CHECK(text_of(lines(10)[7]) == " and 5 more");
  CHECK(lines(3).size() == 1);
}

TEST_CASE("live: a verification counts what was run again") {
  ShownSweep sweep("fixed-decay", SweepState::Of::kVerification);
  sweep.begin(0, 6000, kLate);
  const EndedCell same = sweep.state.verified(sweep.plan.cells[0], true, 3.0, 4.0);
  CHECK(ended_sentence(same) ==
        "[cell 1 of 24] fixed-decay mqar pairs 16 seed 4: the same bytes again, 3.0 s");
  CHECK(text_of(ended_line(sweep.state, same, {100, 24, true})) ==
        " done  fixed-decay     seed 4   the same bytes   ▁▁▁▁▁▁▁▁▁▄▄████████████   99.9 %  3s");
  CHECK(text_of(live_lines(sweep.state, {40, 24, true}, 4.0).back()).starts_with(" 1/24 verified"));
}

TEST_CASE("live: a frame is written over, row by row, and breaks no line") {
  Frame frame({.colour = true, .reflows = true});
  const std::vector<Line> two{{{"one"}}, {{"two "}, {"bad", Tone::kBad}}};
  const std::string first = "one\x1b[K\r\ntwo \x1b[31mbad\x1b[0m\x1b[K\r\n";
  CHECK(frame.draw({}, two, 80) == "\r\x1b[?7l" + first + "\x1b[J\x1b[?7h");
  CHECK(frame.shows(two, 80));
  CHECK_FALSE(frame.shows(two, 79));
  CHECK_FALSE(frame.shows({}, 80));
  // What stays may be wider than the terminal, which breaks it.
  CHECK(frame.draw({{{"done"}}}, two, 80) ==
        "\r\x1b[2Adone\x1b[K\r\n\x1b[?7l" + first + "\x1b[J\x1b[?7h");
  // After somebody else has written, nothing is written over.
  frame.forget();
  CHECK(frame.draw({}, {}, 80) == "\r\x1b[J");
  CHECK(frame.draw({}, {}, 80) == "\r\x1b[J");
}

TEST_CASE("live: a narrower window has broken the lines, and the rows are counted anew") {
  const std::vector<Line> lines{{{std::string(59, 'x')}}, {{"short"}}, {{"\u2581\u2581\u2581"}}};
  for (const bool reflows : {true, false}) {
    Frame frame({.colour = false, .reflows = reflows});
    (void)frame.draw({}, lines, 60);
    const std::string bytes = frame.draw({}, {}, 20);
    CHECK(bytes.starts_with(reflows ? "\r\x1b[5A" : "\r\x1b[3A"));
  }
  Frame frame({});
  (void)frame.draw({}, lines, 60);
  CHECK(frame.draw({}, lines, 100).starts_with("\r\x1b[3A"));
}

TEST_CASE("live: events are JSON, whatever is in them") {
  ShownSweep sweep("'a <b> \\'");
  sweep.begin(0, 3150, kLate);
  const PlannedCell& cell = sweep.plan.cells[0];
  HistoryRow row = ShownSweep::row(3500, 1.0);
  row.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  const std::string line = event_line(evaluation_event(sweep.state, cell, row, 1.5));
  CHECK(line.find('\n') == line.size() - 1);
  const Json told = Json::parse(line);
  CHECK(told["event"] == "evaluation");
  CHECK(told["elapsed"] == 1.5);
  CHECK(told["cell"] == cell.hash);
  CHECK(told["variant"] == "a <b> \\");
  CHECK(told["settings"]["pairs"] == "16");
  CHECK(told["gradient_norm"].is_null());
  CHECK(told["validation_loss"].is_null());
  const Json end = end_event(sweep.finish(0, 3000, 0.995), 94.0);
  CHECK(end["ending"] == "finished");
  CHECK(end["solved_step"] == 3000);
  CHECK(end["reason"].is_null());
  CHECK(sweep_event(sweep.state, 94.0)["seconds_left"].is_number());
  CHECK(sweep_event(SweepState(), 0.0)["seconds_left"].is_null());
  const Json plan = plan_event(sweep.state, sweep.plan, "out\xff");
  CHECK(plan["to_train"] == 24);
  CHECK(Json::parse(event_line(plan))["out"] == "out\uFFFD");
  RunEnd failed;
  failed.status = 5;
  failed.error = "recollect: no space";
  const Json summary = summary_event(failed);
  CHECK(summary["status"] == 5);
  CHECK(summary["cells"].is_null());
  CHECK(summary["tables"].empty());
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
