#include "harness/store/checkpoint.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/sweep/runner.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

ParameterLayout tiny_layout() {
  ParameterLayout layout;
  layout.add_matrix("a.weight", 2, 3, Fill::kConstant, 0.0);
  layout.add_vector("a.bias", 2, Fill::kConstant, 0.0);
  return layout;
}

TrainState tiny_state() {
  TrainState state;
  TrainProgress& progress = state.progress;
  progress.step = 12;
  progress.gradient_norm = 0.1 + 0.2;  // 0.30000000000000004
  progress.loss_since = std::numeric_limits<double>::denorm_min();
  progress.steps_since = 2;
  progress.best_value = 1.0 / 3.0;
  progress.best_step = 10;
  progress.history = {{5, 3.25, 1e-300, 1e-3, 0.125, 0.0}, {10, 2.0 / 3.0, 1e300, 1e-3, 1.0, 0.5}};
  const auto numbers = [](float first) {
    std::vector<float> all(8);
    for (float& each : all) each = first *= -1.1F;
    return all;
  };
  state.weights = numbers(1.0F);
  state.first_moment = numbers(1e-30F);
  state.second_moment = numbers(std::numeric_limits<float>::denorm_min());
  progress.best_weights = numbers(7.0F);
  return state;
}

TrainStateView view_of(const TrainState& state) {
  return {state.progress, state.weights, state.first_moment, state.second_moment};
}

const StateIdentity kIdentity{"0123456789abcdef", 1, "v1", "a \"compiler\"", "a build"};

TrainState decode(std::string_view file) {
  StateIdentity by;
  return decode_state(file, "state", kIdentity.cell, tiny_layout(), by);
}

TEST_CASE("checkpoint: every number comes back to the bit") {
  TrainState state = tiny_state();
  for (const bool later : {false, true}) {
    CAPTURE(later);
    if (later) {
      state.progress.solved_step = 10;
      state.progress.best_value = std::numeric_limits<double>::infinity();
      for (HistoryRow& row : state.progress.history) row.validation_loss = row.loss / 3.0;
    }
    const std::string file = encode_state(view_of(state), kIdentity, tiny_layout());
    StateIdentity by;
    const TrainState back = decode_state(file, "state", kIdentity.cell, tiny_layout(), by);
    CHECK(by.compiler == kIdentity.compiler);
    CHECK(back.progress.solved_step == state.progress.solved_step);
    CHECK(back.progress.gradient_norm == state.progress.gradient_norm);
    CHECK(back.progress.loss_since == state.progress.loss_since);
    CHECK(back.progress.best_weights == state.progress.best_weights);
    CHECK(back.weights == state.weights);
    CHECK(back.first_moment == state.first_moment);
    CHECK(back.second_moment == state.second_moment);
    REQUIRE(back.progress.history.size() == 2);
    CHECK(back.progress.history[1].loss == 2.0 / 3.0);
    CHECK(back.progress.history[1].validation_loss ==
          (later ? std::optional(2.0 / 3.0 / 3.0) : std::nullopt));
    // What is written of what was read is the same to the byte, so nothing was left out.
    CHECK(encode_state(view_of(back), kIdentity, tiny_layout()) == file);
  }
  state.progress.best_weights.clear();  // before the first evaluation
  state.progress.best_step = 0;
  const std::string file = encode_state(view_of(state), kIdentity, tiny_layout());
  CHECK(decode(file).progress.best_weights.empty());
}

TEST_CASE("checkpoint: a flipped bit is found wherever it is, and so is every truncation") {
  const std::string file = encode_state(view_of(tiny_state()), kIdentity, tiny_layout());
  REQUIRE(decode(file).progress.step == 12);
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    try {
      (void)decode(damaged);
      ++accepted;
    } catch (const IoError& error) {
      if (!std::string_view(error.what()).starts_with("state: ")) ++accepted;
    }
  }
  for (std::size_t size = 0; size < file.size(); ++size) {
    try {
      (void)decode(std::string_view(file).substr(0, size));
      ++accepted;
    } catch (const IoError&) {
    }
  }
  CHECK(accepted == 0);
  CHECK_THROWS_AS((void)decode(file + '\0'), IoError);
  CHECK_THROWS_AS((void)decode(file + file), IoError);
}

TEST_CASE("checkpoint: the state of another cell, or of another model, is refused") {
  const std::string file = encode_state(view_of(tiny_state()), kIdentity, tiny_layout());
  StateIdentity by;
  CHECK_THROWS_WITH_AS((void)decode_state(file, "state", "another", tiny_layout(), by),
                       "state: not a valid training state: it is of cell 0123456789abcdef, not of "
                       "another",
                       IoError);
  ParameterLayout wider;
  wider.add_matrix("a.weight", 3, 2, Fill::kConstant, 0.0);
  wider.add_vector("a.bias", 2, Fill::kConstant, 0.0);
  CHECK_THROWS_AS((void)decode_state(file, "state", kIdentity.cell, wider, by), IoError);
}

TEST_CASE("checkpoint: the newest state that is whole is used, and a line names the other") {
  const TemporaryFolder folder;
  const ParameterLayout layout = tiny_layout();
  TrainState state = tiny_state();
  const auto load = [&] { return Checkpoints(folder.path(), kIdentity, {}).load(layout); };
  CHECK_FALSE(load().state);
  CHECK(load().notes.empty());

  Checkpoints checkpoints(folder.path(), kIdentity, {});
  for (const std::int64_t step : {12, 13, 14}) {
    state.progress.step = step;
    checkpoints.save(view_of(state), layout);
  }
  CHECK(load().state->progress.step == 14);
  CHECK(load().notes.empty());
  const std::string newest = read_file(checkpoints.newest());

  std::filesystem::resize_file(checkpoints.newest(), newest.size() / 2);
  Checkpoints after_damage(folder.path(), kIdentity, {});
  Checkpoints::Found found = after_damage.load(layout);
  REQUIRE(found.state);
  CHECK(found.state->progress.step == 13);
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0] == checkpoints.newest().string() +
                              ": not a valid training state: its checksum does not fit its bytes; "
                              "truncated or damaged; going on from state.previous.safetensors, "
                              "step 13");
  // The damaged one does not take the place of the good one.
  after_damage.save(view_of(state), layout);
  std::filesystem::remove(checkpoints.newest());
  CHECK(load().state->progress.step == 13);  // killed before the newest was there
  CHECK(load().notes.empty());

  write_file_atomically(checkpoints.newest(), "");
  write_file_atomically(checkpoints.previous(), newest.substr(0, newest.size() - 1));
  found = load();
  CHECK_FALSE(found.state);
  REQUIRE(found.notes.size() == 2);
  CHECK(found.notes[0].starts_with(checkpoints.newest().string() + ": "));
  CHECK(found.notes[1].starts_with(checkpoints.previous().string() + ": "));
  CHECK(found.notes[1].ends_with("; training the cell from the start"));

  checkpoints.remove();
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("checkpoint: the state of another build is not gone on with, and a line says so") {
  const TemporaryFolder folder;
  Checkpoints(folder.path(), kIdentity, {}).save(view_of(tiny_state()), tiny_layout());
  for (std::string StateIdentity::*part :
       {&StateIdentity::code_version, &StateIdentity::compiler, &StateIdentity::build}) {
    StateIdentity other = kIdentity;
    other.*part = "another";
    const Checkpoints::Found found = Checkpoints(folder.path(), other, {}).load(tiny_layout());
    CHECK_FALSE(found.state);
    REQUIRE(found.notes.size() == 1);
    CHECK(
        found.notes[0].ends_with("step 12 of another build: v1 (a \"compiler\", a build); "
                                 "training the cell from the start"));
  }
}

TEST_CASE("checkpoint: is due by steps and by time") {
  const Checkpoints steps("", kIdentity, {0.0, 5});
  CHECK_FALSE(steps.due(4));
  CHECK(steps.due(5));
  CHECK(steps.due(10));
  CHECK_FALSE(Checkpoints("", kIdentity, {3600.0, 0}).due(5));
  CHECK(Checkpoints("", kIdentity, {1e-9, 0}).due(5));
  CHECK_FALSE(Checkpoints("", kIdentity, {0.0, 0}).due(5));
}

TEST_CASE("interrupt: the first signal counts, and a look may be the one that asks") {
  StopRequest stop;
  CHECK_FALSE(stop.requested());
  stop.check();
  stop.request(SIGTERM);
  stop.request(SIGINT);
  CHECK(stop.signal() == SIGTERM);
  try {
    stop.check();
    FAIL("was not stopped");
  } catch (const Interrupted& interrupted) {
    CHECK(interrupted.status() == ExitStatus::kTerminated);
  }
  StopRequest third;
  third.request_at_look(3, SIGINT);
  CHECK_FALSE(third.requested());
  CHECK_FALSE(third.requested());
  CHECK(third.signal() == 0);
  CHECK(third.requested());
  CHECK(third.requested());
  CHECK(third.signal() == SIGINT);
}

// From here on: whole cells, stopped at many points and gone on with.

/// All files below a folder but those that say how the run went.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename() == "provenance.yaml") continue;
    files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

struct Case {
  const char* name;
  const char* text;
};

const Case kCases[] = {
    {"few examples, options of training", R"(task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 2, chunk: 8, short_conv: 3}
variants: [adaptive-decay]
train: {examples: 40, validation_examples: 7, batch: 4, steps: 11, eval_every: 4, weight_decay: 0.1,
        schedule: cosine, warmup: 3, select_length: 24, order_seed: 5}
eval: {lengths: [16, 24], examples: 5}
)"},
    {"online", R"(task: {name: selective-copying, length: 16, tokens: 2}
model: {width: 8, layers: 1, chunk: 8}
variants: [gated-linear]
train: {examples: online, validation_examples: 6, batch: 3, steps: 9, eval_every: 3}
eval: {lengths: [16], examples: 5}
)"},
    {"stops early", R"(task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1}
variants: [full-quadratic]
train: {examples: 4, validation_examples: 6, batch: 4, steps: 12, eval_every: 4, stop_at: 0.001,
        learning_rate: 0.05}
eval: {lengths: [16], examples: 5}
)"},
    {"selects and stops by loss", R"(task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [linear-decay]
train: {examples: 40, validation_examples: 6, batch: 4, steps: 12, eval_every: 2, stop_at: 2.4,
        metric: loss, solve_at: 0.1, learning_rate: 0.05, select_length: 24}
eval: {lengths: [16], examples: 5}
)"},
    {"leaves numbers of the embedding out", R"(task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8, embedding_dropout: 0.3}
variants: [gated-linear]
train: {examples: 40, validation_examples: 6, batch: 4, steps: 9, eval_every: 3, order_seed: 5}
eval: {lengths: [16], examples: 5}
)"},
    {"layers of different kinds", R"(task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 3, chunk: 8, pattern: [full-quadratic, variant, gated-deltanet]}
variants: [adaptive-decay]
train: {examples: 40, validation_examples: 6, batch: 4, steps: 9, eval_every: 4}
eval: {lengths: [16], examples: 5}
)"},
};

/// Runs an experiment until it is done, stopped again and again as `arrange` says.
/// @returns how often it was stopped
template <class Arrange>
int run_with_stops(const Experiment& experiment, const std::filesystem::path& out, int jobs,
                   const CheckpointInterval& interval, Arrange&& arrange) {
  RunObserver silent;
  for (int stops = 0;; ++stops) {
    StopRequest stop;
    arrange(stop, stops);
    try {
      run_experiment(experiment, out, {.jobs = jobs}, silent, {stop, interval});
      return stops;
    } catch (const Interrupted& interrupted) {
      REQUIRE(interrupted.status() == ExitStatus::kInterrupted);
      REQUIRE(stops < 1000);
    }
  }
}

TEST_CASE("checkpoint: a cell stopped at any sequence gives the same bytes, with any threads") {
  for (const Case& each : kCases) {
    const std::string name = each.name;
    CAPTURE(name);
    const Experiment experiment = parse_experiment(each.text, "case.yaml");
    const TemporaryFolder whole;
    run_with_stops(experiment, whole.path(), 1, {}, [](StopRequest&, int) {});
    const auto expected = files_of(whole.path());
    CHECK(expected.size() == 9 + 1);
    // How many looks the whole run takes: the looks after it never happen.
    int looks = 1;
    for (bool stopped = true; stopped; looks += stopped ? 13 : 0) {
      CAPTURE(looks);
      const TemporaryFolder out;
      const int stops =
          run_with_stops(experiment, out.path(), 1, {}, [&](StopRequest& stop, int before) {
            if (before == 0) stop.request_at_look(looks, SIGINT);
          });
      stopped = stops > 0;
      CHECK(files_of(out.path()) == expected);
    }
    CHECK(looks > 50);
  }
}

TEST_CASE("checkpoint: stopped again and again, with progress between, on several threads") {
  const Experiment experiment =
      parse_experiment(fmt::format("{}seeds: [0, 1, 2]\n", kCases[0].text), "case.yaml");
  const TemporaryFolder whole;
  run_with_stops(experiment, whole.path(), 1, {}, [](StopRequest&, int) {});
  const auto expected = files_of(whole.path());
  for (const int jobs : {1, 3}) {
    for (const int first : {14, 41}) {
      CAPTURE(jobs);
      CAPTURE(first);
      const TemporaryFolder out;
      // Longer each time, or an evaluation that takes more looks would never end.
      const int stops = run_with_stops(
          experiment, out.path(), jobs, {0.0, 2},
          [&](StopRequest& stop, int before) { stop.request_at_look(first + 3 * before, SIGINT); });
      CHECK(stops > 3);
      CHECK(files_of(out.path()) == expected);
    }
  }
}

TEST_CASE("checkpoint: training goes on with any number of threads, to the same bits") {
  const Experiment experiment = parse_experiment(kCases[0].text, "case.yaml");
  const Cell& cell = experiment.cells.at(0);
  TrainObserver silent;
  const TrainResult whole = train(cell, 1, silent);
  for (const int threads : {1, 2, 3, 8}) {
    for (std::int64_t last = 1; last <= cell.train.steps; ++last) {
      CAPTURE(threads);
      CAPTURE(last);
      struct StopAfter : TrainObserver {
        StopRequest stop;
        std::int64_t last = 0;
        void on_step(std::int64_t step, std::int64_t) override {
          if (step == last) stop.request(SIGTERM);
        }
      } observer;
      observer.last = last;
      const TemporaryFolder folder;
      const StateIdentity identity = identity_of_this_build(cell.hash());
      Checkpoints before(folder.path(), identity, {0.0, 0});
      CHECK_THROWS_AS((void)train(cell, 9 - threads, observer, {observer.stop, &before}),
                      Interrupted);
      struct Resumed : TrainObserver {
        std::int64_t from = 0;
        std::int64_t steps = 0;
        void on_resume(std::int64_t step) override { from = step; }
        void on_step(std::int64_t, std::int64_t) override { ++steps; }
      } resumed;
      Checkpoints after(folder.path(), identity, {0.0, 0});
      const TrainResult rest = train(cell, threads, resumed, {StopRequest::never(), &after});
      CHECK(resumed.from == last);
      CHECK(resumed.steps == cell.train.steps - last);
      CHECK(rest.final_weights == whole.final_weights);
      CHECK(rest.best_weights == whole.best_weights);
      CHECK(rest.best_step == whole.best_step);
      CHECK(rest.solved_step == whole.solved_step);
      REQUIRE(rest.history.size() == whole.history.size());
      for (std::size_t i = 0; i < rest.history.size(); ++i) {
        CHECK(rest.history[i].step == whole.history[i].step);
        CHECK(rest.history[i].loss == whole.history[i].loss);
        CHECK(rest.history[i].gradient_norm == whole.history[i].gradient_norm);
        CHECK(rest.history[i].validation_accuracy == whole.history[i].validation_accuracy);
      }
    }
  }
}

TEST_CASE(
    "checkpoint: a cell with damaged states is restarted, says so, and gives the same bytes") {
  const Experiment experiment = parse_experiment(kCases[1].text, "case.yaml");
  struct Watch : RunObserver {
    std::vector<std::string> notes;
    std::int64_t from = 0;
    std::int64_t steps = 0;
    void on_note(const PlannedCell&, const std::string& note) override { notes.push_back(note); }
    void on_resume(const PlannedCell&, std::int64_t step) override { from = step; }
    void on_step(const PlannedCell&, std::int64_t) override { ++steps; }
  };
  const TemporaryFolder whole;
  Watch all;
  run_experiment(experiment, whole.path(), {.jobs = 1}, all);
  CHECK(all.steps == 9);
  for (const int damaged : {0, 1, 2}) {
    CAPTURE(damaged);
    const TemporaryFolder out;
    struct StopAfter : RunObserver {
      StopRequest stop;
      void on_step(const PlannedCell&, std::int64_t step) override {
        if (step == 7) stop.request(SIGINT);
      }
    } first;
    CHECK_THROWS_AS(
        run_experiment(experiment, out.path(), {.jobs = 1}, first, {first.stop, {0.0, 2}}),
        Interrupted);
    const std::filesystem::path folder = out / "cells" / experiment.cells[0].hash();
    const char* files[] = {"state.safetensors", "state.previous.safetensors"};
    for (int i = 0; i < damaged; ++i) std::filesystem::resize_file(folder / files[i], 1000);
    write_file_atomically(folder / ".state.safetensors.1a2b3c4d.0.tmp", "half a fi");
    Watch second;
    run_experiment(experiment, out.path(), {.jobs = 1}, second);
    CHECK(second.from == (damaged == 0 ? 7 : damaged == 1 ? 6 : 0));
    CHECK(second.steps == 9 - second.from);
    REQUIRE(second.notes.size() == static_cast<std::size_t>(damaged));
    for (int i = 0; i < damaged; ++i) {
      CHECK(second.notes[static_cast<std::size_t>(i)].starts_with((folder / files[i]).string()));
    }
    CHECK(files_of(out.path()) == files_of(whole.path()));
  }
}

TEST_CASE("checkpoint: what a kill leaves of a finished cell's state goes away") {
  const Experiment experiment = parse_experiment(kCases[1].text, "case.yaml");
  const TemporaryFolder out;
  RunObserver silent;
  run_experiment(experiment, out.path(), {.jobs = 1}, silent);
  const auto expected = files_of(out.path());
  write_file_atomically(out / "cells" / experiment.cells[0].hash() / "state.safetensors", "x");
  run_experiment(experiment, out.path(), {.jobs = 1}, silent);
  CHECK(files_of(out.path()) == expected);
}

TEST_CASE("checkpoint: a stop before the first cell begins none") {
  const Experiment experiment = parse_experiment(kCases[1].text, "case.yaml");
  const TemporaryFolder out;
  RunObserver silent;
  StopRequest stop;
  stop.request(SIGTERM);
  try {
    run_experiment(experiment, out.path(), {.jobs = 1}, silent, {stop, {}});
    FAIL("was not stopped");
  } catch (const Interrupted& interrupted) {
    CHECK(interrupted.status() == ExitStatus::kTerminated);
    CHECK(std::string(interrupted.what()) ==
          "stopped by SIGTERM; 0 of 1 cells are done, and the same command goes on from here");
  }
}

}  // namespace
}  // namespace recollect
