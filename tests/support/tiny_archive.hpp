#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/render/report.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/sweep/runner.hpp"

namespace recollect {

inline constexpr const char* kTinySweep = R"(experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, {name: adaptive-decay, label: a/b}]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16, 24], examples: 20}
seeds: [0, 1]
)";

inline Experiment tiny(const std::vector<std::string>& overrides = {}) {
  return parse_experiment(kTinySweep, "tiny.yaml", overrides);
}

class Watch final : public RunObserver {
 public:
  void on_plan(const RunPlan& plan) override { notes = plan.notes; }
  void on_step(const PlannedCell&, std::int64_t) override { ++steps; }
  std::vector<std::string> notes;
  int steps = 0;
};

inline RunSummary run(const Experiment& experiment, const std::filesystem::path& out, Watch& watch,
                      const ArchiveShelf* reuse = nullptr) {
  return run_experiment(experiment, out, {.jobs = 1, .reuse = reuse}, watch);
}

inline Archive gather(const std::filesystem::path& runs, const std::filesystem::path& archives,
                      std::vector<std::string>& notes) {
  return gather_archive(runs, experiment_path(runs, "tiny"), archive_path(archives, "tiny"), notes);
}

/// What `recollect archive` does with a results folder that holds one experiment.
inline Archive archive(const std::filesystem::path& runs, const std::filesystem::path& archives) {
  std::vector<std::string> notes;
  Archive gathered = gather(runs, archives, notes);
  CHECK(notes.empty());
  write_archive(gathered);
  write_archive_tables(gathered, experiment_page(gathered, {}));
  return gathered;
}

}  // namespace recollect
