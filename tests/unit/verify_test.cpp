#include "harness/sweep/verify.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/difference.hpp"
#include "models/registry.hpp"
#include "tests/support/result_files.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

Experiment tiny(const std::vector<std::string>& overrides = {}) {
  return parse_experiment(R"(experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [adaptive-decay]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 4}
eval: {lengths: [16], examples: 20}
)",
                          "tiny.yaml", overrides);
}

/// Remembers what it is told.
class Watch final : public RunObserver {
 public:
  void on_plan(const RunPlan& plan) override { threads = plan.threads, jobs = plan.jobs; }
  void on_step(const PlannedCell&, std::int64_t) override { ++steps; }
  void on_verified(const PlannedCell&, bool same, double) override {
    ++(same ? agreed : disagreed);
  }
  int threads = 0;
  int jobs = 0;
  int steps = 0;
  int agreed = 0;
  int disagreed = 0;
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What verification says of the folder: "" where all is the same.
std::string complaint(const Experiment& experiment, const std::filesystem::path& out) {
  RunObserver silent;
  try {
    (void)verify_experiment(experiment, out, {}, silent);
  } catch (const Regression& regression) {
    return regression.what();
  }
  return "";
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  write_file_atomically(path, bytes);
}

TEST_CASE("verify: every variant gives the same bytes with another number of threads") {
  std::vector<std::string> names;
  for (const MixerEntry& entry : mixers()) names.emplace_back(entry.name);
  const std::string variants = fmt::format("variants=[{}]", fmt::join(names, ", "));
  for (const char* task : {"task={name: mqar, length: 16, pairs: 2, vocab: 16}",
                           "task={name: selective-copying, length: 16, tokens: 3}"}) {
    for (const int trained : {1, 2, 3}) {
      CAPTURE(task);
      CAPTURE(trained);
      const TemporaryFolder out;
      const Experiment experiment = tiny({variants, task});
      Watch watch;
      run_experiment(experiment, out.path(), {.jobs = 2, .threads = trained}, watch);
      const auto before = result_files(out.path());
      watch.steps = 0;
      const VerifySummary summary = verify_experiment(experiment, out.path(), {.jobs = 2}, watch);
      CHECK(summary.same == names.size());
      CHECK(summary.other_build == 0);
      CHECK(summary.incomparable.empty());
      CHECK(watch.threads != trained);
      CHECK(watch.steps == static_cast<int>(names.size()) * 20);
      CHECK(watch.agreed == static_cast<int>(names.size()));
      CHECK(result_files(out.path()) == before);
    }
  }
}

TEST_CASE("verify: a cell is the same whatever other scores were asked of it, and by whom") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny({"experiment=first"}), out.path(), {}, watch);
  run_experiment(tiny({"eval.lengths=[24, 40]"}), out.path(), {}, watch);
  run_experiment(tiny({"eval.lengths=[24, 40]", "eval.unseen_levels=as-is", "eval.examples=30"}),
                 out.path(), {}, watch);
  run_experiment(tiny({"eval.examples=33"}), out.path(), {}, watch);
  for (const std::vector<std::string>& asked : std::vector<std::vector<std::string>>{
           {}, {"eval.lengths=[24]"}, {"experiment=first"}, {"eval.examples=33"}}) {
    CHECK(complaint(tiny(asked), out.path()).empty());
  }
}

TEST_CASE("verify: a cell that diverged diverges again, and one that failed is passed over") {
  const TemporaryFolder out;
  const Experiment experiment =
      tiny({"train.learning_rate=10", "train.weight_decay=10", "train.clip=0", "seeds=[0, 1]"});
  Watch watch;
  REQUIRE(run_experiment(experiment, out.path(), {}, watch).problems.size() == 2);
  CHECK(verify_experiment(experiment, out.path(), {}, watch).same == 2);
  const CellFolder folder(out.path(), experiment.cells[1].hash());
  CellStatus status = folder.read_status().value();
  status.ending = Ending::kFailed;
  folder.write_status(status);
  CHECK(verify_experiment(experiment, out.path(), {}, watch).same == 1);
  CHECK(verify_experiment(experiment, out.path(), {.shard = {2, 2}}, watch).same == 0);
  std::filesystem::remove(folder.path() / "status.yaml");  // not done
  CHECK(verify_experiment(experiment, out.path(), {}, watch).same == 1);
}

TEST_CASE("verify: the first differing byte of each file is found, where it is") {
  const TemporaryFolder out;
  const Experiment experiment = tiny();
  Watch watch;
  run_experiment(experiment, out.path(), {}, watch);
  const std::filesystem::path folder = out / "cells" / experiment.cells[0].hash();
  const auto files = result_files(folder);
  CHECK(files.size() >= 7);
  // What is another cell's or another build's by right: no damage can be told from that.
  const auto may_differ = [](const std::string& file, const std::string& line) {
    if (file == "config.yaml") {
      return holds(line, "experiment:") || holds(line, "lengths:") || holds(line, "examples: 20") ||
             holds(line, "unseen_levels:") || holds(line, "eval:");
    }
    return file == "status.yaml" &&
           (holds(line, "code_version:") || holds(line, "compiler:") || holds(line, "build:"));
  };
  std::mt19937 random(3);
  for (const auto& [name, bytes] : files) {
    const std::string& file = name;  // clang lets no lambda see a structured binding
    CAPTURE(file);
    int planted = 0;
    for (int tries = 0; tries < 100 && planted < 8; ++tries) {
      const std::size_t at = random() % bytes.size();
      const std::size_t start = bytes.rfind('\n', at) + 1;  // npos + 1 is 0
      if (may_differ(file, bytes.substr(start, bytes.find('\n', at) - start))) continue;
      std::string damaged = bytes;
      // A digit becomes another one, so that the file can still be read; everything else anything.
      const bool digit = damaged[at] >= '0' && damaged[at] <= '9';
      damaged[at] = digit ? static_cast<char>('0' + (damaged[at] - '0' + 1) % 10)
                          : static_cast<char>(damaged[at] ^ 1);
      if (damaged[at] == bytes[at]) continue;
      ++planted;
      CAPTURE(at);
      write(folder / file, damaged);
      const std::string found = complaint(experiment, out.path());
      CAPTURE(found);
      CHECK(holds(found, "cell 1 of 1 (adaptive-decay, mqar, seed 0): "));
      CHECK(holds(found, fmt::format("{} from byte {} on: ", (folder / file).string(), at)));
      CHECK(std::count(found.begin(), found.end(), '\n') == 0);
      if (!file.ends_with(".safetensors")) {
        const auto line =
            1 + std::count(bytes.begin(), bytes.begin() + static_cast<long>(at), '\n');
        CHECK(holds(found, fmt::format("on: line {}, ", line)));
      }
    }
    CHECK(planted == 8);
    for (const std::string& other : {bytes.substr(0, bytes.size() - 1), bytes + "x"}) {
      write(folder / file, other);
      CHECK(holds(complaint(experiment, out.path()),
                  fmt::format("{} from byte {} on: ", (folder / file).string(),
                              std::min(bytes.size(), other.size()))));
    }
    write(folder / file, bytes);
    CHECK(complaint(experiment, out.path()).empty());
  }
}

TEST_CASE("verify: a difference says line, column, tensor and both values") {
  const auto place = [](const char* name, const std::string& kept, const std::string& again) {
    return first_difference(name, kept, again).value().place;
  };
  CHECK_FALSE(first_difference("a.csv", "step,loss\n", "step,loss\n"));
  CHECK(place("a.csv", "step,loss\n4,0.5\n8,0.25\n", "step,loss\n4,0.5\n8,0.26\n") ==
        "line 3, column loss, '0.25' there and '0.26' now");
  CHECK(place("a.csv", "stop,loss\n", "step,loss\n") == "line 1, 'stop' there and 'step' now");
  CHECK(place("a.csv", "a\n1\n", "a\n\x01\n") == "line 2, column a, '1' there and '\\x01' now");
  CHECK(place("a.yaml", "a: 1\nb: 2\n", "a: 1\nb: 3\n") == "line 2, 'b: 2' there and 'b: 3' now");
  CHECK(place("a.yaml", "a: 1\n", "a: 1\nb: 3\n") == "where it ends, though 5 bytes are to follow");
  CHECK(place("a.yaml", "a: 1\nb: 3\n", "a: 1\n") == "where it should end, but 5 bytes follow");
}

TEST_CASE("verify: a missing file is an error that names it") {
  const TemporaryFolder out;
  RunObserver silent;
  run_experiment(tiny(), out.path(), {}, silent);
  const std::filesystem::path folder = out / "cells" / tiny().cells[0].hash();
  for (const auto& [name, bytes] : result_files(folder)) {
    const std::string& file = name;
    if (file == "status.yaml") continue;  // without it the cell is not done
    CAPTURE(file);
    std::filesystem::remove(folder / file);
    std::string message;
    try {
      (void)verify_experiment(tiny(), out.path(), {}, silent);
    } catch (const IoError& error) {
      message = error.what();
    }
    CHECK(holds(message, (folder / file).string() + " is missing; remove the folder"));
    write(folder / file, bytes);
  }
  CHECK(complaint(tiny(), out.path()).empty());
}

TEST_CASE("verify: a cell without weights, as from an archive, is compared without them") {
  const TemporaryFolder out;
  RunObserver silent;
  run_experiment(tiny(), out.path(), {}, silent);
  const CellFolder folder(out.path(), tiny().cells[0].hash());
  CHECK(verify_experiment(tiny(), out.path(), {}, silent).weightless == 0);
  folder.remove_weights();
  folder.write_needs_no_weights();
  const VerifySummary summary = verify_experiment(tiny(), out.path(), {}, silent);
  CHECK(summary.same == 1);
  CHECK(summary.weightless == 1);
  const std::string history = folder.read_text("history.csv");
  folder.write_text("history.csv", history + "\n");
  CHECK(holds(complaint(tiny(), out.path()), "history.csv from byte"));
}

TEST_CASE("verify: a cell of another build may differ, which is said and no regression") {
  const TemporaryFolder out;
  const Experiment experiment = tiny({"seeds=[0, 1]"});
  Watch watch;
  run_experiment(experiment, out.path(), {}, watch);
  const CellFolder folder(out.path(), experiment.cells[0].hash());
  CellStatus status = folder.read_status().value();
  status.compiler = "another 1.0";
  folder.write_status(status);
  const VerifySummary same = verify_experiment(experiment, out.path(), {}, watch);
  CHECK(same.same == 2);
  CHECK(same.other_build == 1);
  std::string history = folder.read_text("history.csv");
  history[history.size() - 2] ^= 1;
  folder.write_text("history.csv", history);
  const VerifySummary other = verify_experiment(experiment, out.path(), {}, watch);
  CHECK(other.same == 1);
  REQUIRE(other.incomparable.size() == 1);
  CHECK(holds(other.incomparable[0], "history.csv from byte "));
  CHECK(holds(other.incomparable[0], "made by another build, "));
  CHECK(holds(other.incomparable[0], "another 1.0"));
  CHECK(holds(other.incomparable[0], "last bits may be other ones"));
  CHECK(watch.disagreed == 1);
}

TEST_CASE("verify: damaged cells can be asked for alone, before a run makes them anew") {
  const TemporaryFolder out;
  const Experiment experiment = tiny({"seeds=[0, 1]"});
  Watch watch;
  const auto damaged = [&] {
    return verify_experiment(experiment, out.path(), {}, watch, StopRequest::never(),
                             Verified::kDamaged);
  };
  CHECK(damaged().same == 0);
  CHECK_FALSE(std::filesystem::exists(out / "claims"));
  run_experiment(experiment, out.path(), {}, watch);
  watch.steps = 0;
  CHECK(damaged().same == 0);
  CHECK(watch.steps == 0);
  for (const char* file : {"scores.csv", "slices.csv", "more_slices.csv", "status.yaml"}) {
    CAPTURE(file);
    const CellFolder folder(out.path(), experiment.cells[1].hash());
    const std::string bytes = folder.read_text(file);
    folder.write_text(file, fmt::format("}}{}", bytes));
    CHECK_THROWS_WITH_AS((void)damaged(), doctest::Contains(file), Regression);
    folder.write_text(file, bytes);
  }
}

TEST_CASE("verify: it can be stopped at any point, and leaves nothing behind") {
  const TemporaryFolder out;
  const Experiment experiment = tiny({"seeds=[0, 1, 2]"});
  RunObserver silent;
  run_experiment(experiment, out.path(), {}, silent);
  const auto before = result_files(out.path());
  int stopped = 0;
  for (const int look : {1, 2, 7, 50, 100, 200, 400, 100000}) {
    for (const int jobs : {1, 3}) {
      CAPTURE(look);
      StopRequest stop;
      stop.request_at_look(look, SIGTERM);
      try {
        const VerifySummary whole =
            verify_experiment(experiment, out.path(), {.jobs = jobs}, silent, stop);
        CHECK(whole.same == 3);
      } catch (const Interrupted& interrupted) {
        ++stopped;
        CHECK(interrupted.status() == ExitStatus::kTerminated);
        CHECK(holds(interrupted.what(), "stopped by SIGTERM while verifying"));
      }
      CHECK(result_files(out.path()) == before);
      CHECK(std::distance(std::filesystem::directory_iterator(out.path()), {}) == 3);
      CHECK(std::filesystem::is_empty(out / "claims"));
    }
  }
  CHECK(stopped == 14);
}

TEST_CASE("verify: what a killed verification left goes away, what another one has stays") {
  const TemporaryFolder out;
  RunObserver silent;
  run_experiment(tiny(), out.path(), {}, silent);
  for (const char* name : {"verify-00000001", "verify-00000002", "verify-original"}) {
    std::filesystem::create_directories(out / name / "cells");
  }
  write(out / "claims" / "verify-00000001", "process 1 on nowhere\n");
  {
    const Claim other = Claim::take(out / "claims" / "verify-00000002");
    CHECK(complaint(tiny(), out.path()).empty());
    CHECK_FALSE(std::filesystem::exists(out / "verify-00000001"));
    CHECK(std::filesystem::exists(out / "verify-00000002" / "cells"));
    CHECK(std::filesystem::exists(out / "verify-original"));
  }
  CHECK(complaint(tiny(), out.path()).empty());
  CHECK_FALSE(std::filesystem::exists(out / "verify-00000002"));
}

}  // namespace
}  // namespace recollect
