#include "harness/bench/measure.hpp"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "harness/bench/probe.hpp"
#include "harness/bench/workload.hpp"

namespace recollect {
namespace {

constexpr int kProbes = 5;
constexpr double kPassesOfTraining = 3.0;
constexpr std::int64_t kWarmUp = 2;

/// The probes of one number of threads.
class Yardstick {
 public:
  Yardstick(int threads, double seconds) : probe_(threads), seconds_(seconds) { look_again(); }

  /// Every probe a few times; the best of all that were ever made counts.
  void look_again() {
    for (int i = 0; i < kProbes; ++i) {
      rates_.peak = std::max(rates_.peak, probe_.measure(Probe::kPeak, seconds_));
      rates_.eigen = std::max(rates_.eigen, probe_.measure(Probe::kEigen, seconds_));
      rates_.own = std::max(rates_.own, probe_.measure(Probe::kOwn, seconds_));
    }
    rates_.attainable = std::max({rates_.attainable, rates_.eigen, rates_.own});
  }

  /// The faster of the two products.
  [[nodiscard]] double now() {
    return probe_.measure(rates_.own >= rates_.eigen ? Probe::kOwn : Probe::kEigen, seconds_);
  }
  [[nodiscard]] MachineRates& rates() noexcept { return rates_; }

 private:
  RateProbe probe_;
  double seconds_;
  MachineRates rates_;
};

class Bench {
 public:
  Bench(const BenchSettings& settings, const Twin& twin,
        const std::function<void(const std::string&)>& say, std::size_t cases)
      : settings_(settings), twin_(twin), say_(say), cases_(cases) {}

  /// @returns the rows, whose timings are not summed up yet
  [[nodiscard]] std::vector<BenchRow> measure(const BenchGroup& group) {
    std::vector<BenchRow> rows;
    std::vector<std::unique_ptr<Workload>> workloads;
    for (const BenchCase& what : group.cases) {
      rows.push_back(prepare(what));
      workloads.push_back(rows.back().status == RowStatus::kOk ? warm_up(rows.back()) : nullptr);
    }
    for (int round = 0; round < settings_.samples; ++round) {
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (workloads[i] == nullptr) continue;
        BenchRow& row = rows[i];
        Yardstick& yardstick = yardstick_of(row.what);
        take_sample(row.samples, yardstick.rates().attainable, [&] {
          Sample sample;
          sample.probe_before = yardstick.now();
          sample.ms = workloads[i]->run(row.steps) / static_cast<double>(row.steps) * 1e3;
          sample.probe_after = yardstick.now();
          return sample;
        });
        row.workspace_bytes = workloads[i]->first().workspace_bytes();
      }
    }
    return rows;
  }

  [[nodiscard]] std::map<int, MachineRates> rates() {
    std::map<int, MachineRates> all;
    for (auto& [threads, yardstick] : yardsticks_) {
      yardstick->look_again();
      all[threads] = yardstick->rates();
    }
    return all;
  }

 private:
  [[nodiscard]] BenchRow prepare(const BenchCase& what) {
    BenchRow row;
    row.what = what;
    ++prepared_;
    if (!what.skipped.empty()) {
      row.status = RowStatus::kSkipped;
      row.note = what.skipped;
      return row;
    }
    say_(fmt::format("[{} of {}] {}, {} tokens{}", prepared_, cases_, what.name,
                     what.cell.task->length,
                     what.execution.shortcuts ? "" : ", without shortcuts"));
    row.agreement = check_agreement(what.cell, what.execution, what.mode, twin_);
    if (!row.agreement->agrees()) {
      row.status = RowStatus::kDisagrees;
      row.note = fmt::format("disagrees with its twin in double: {}", row.agreement->text());
    } else if (row.agreement->length != what.cell.task->length) {
      row.note = fmt::format("compared with its twin at {} tokens", row.agreement->length);
    }
    return row;
  }

  /// Makes the case ready to be timed, and finds out how many steps a sample needs.
  [[nodiscard]] std::unique_ptr<Workload> warm_up(BenchRow& row) {
    (void)yardstick_of(row.what);
    auto workload = std::make_unique<Workload>(row.what);
    const Cell& cell = row.what.cell;
    const SequenceModel<float>& model = workload->first().model();
    const Cost cost = model.cost({cell.task->length, cell.task->make()->max_scored()});
    const double passes = row.what.mode == BenchMode::kTrain ? kPassesOfTraining : 1.0;
    row.nominal_gflop =
        2e-9 * passes * static_cast<double>(cell.train.batch * row.what.cells) * cost.multiply_adds;
    row.state_floats = cost.state;
    (void)workload->run(kWarmUp);
    for (std::int64_t steps = 1;; steps *= 2) {
      const double elapsed = workload->run(steps);
      if (elapsed < 0.1 * settings_.seconds) continue;
      row.steps = std::max<std::int64_t>(
          1, std::llround(settings_.seconds / elapsed * static_cast<double>(steps)));
      return workload;
    }
  }

  [[nodiscard]] Yardstick& yardstick_of(const BenchCase& what) {
    std::unique_ptr<Yardstick>& yardstick = yardsticks_[what.cells * what.threads];
    if (yardstick == nullptr) {
      yardstick = std::make_unique<Yardstick>(what.cells * what.threads, settings_.probe_seconds);
    }
    return *yardstick;
  }

  const BenchSettings& settings_;
  const Twin& twin_;
  const std::function<void(const std::string&)>& say_;
  std::size_t cases_;
  std::size_t prepared_ = 0;
  std::map<int, std::unique_ptr<Yardstick>> yardsticks_;
};

}  // namespace

std::int64_t BenchRow::tokens() const noexcept {
  return what.cells * what.cell.train.batch * what.cell.task->length;
}

BenchReport run_bench(const std::vector<BenchGroup>& groups, const BenchSettings& settings,
                      const Twin& twin, const std::function<void(const std::string&)>& say) {
  std::size_t cases = 0;
  for (const BenchGroup& group : groups) cases += group.cases.size();
  Bench bench(settings, twin, say, cases);
  std::vector<std::vector<BenchRow>> measured;
  for (const BenchGroup& group : groups) measured.push_back(bench.measure(group));

  // Only now is it known how fast the machine is when nobody disturbs it.
  BenchReport report;
  report.rates = bench.rates();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const BenchRow& base = measured[g].front();
    for (BenchRow& row : measured[g]) {
      if (row.status == RowStatus::kOk) {
        const MachineRates& rates = report.rates.at(row.what.cells * row.what.threads);
        row.timing = summarise_samples(row.samples, rates.attainable, row.nominal_gflop);
      }
      if (groups[g].compare && row.status == RowStatus::kOk && base.status == RowStatus::kOk) {
        row.relative = RelativeTiming{
            row.timing.ms / base.timing.ms, row.nominal_gflop / base.nominal_gflop,
            row.timing.probe / base.timing.probe, row.timing.noisy || base.timing.noisy,
            static_cast<double>(row.tokens()) / static_cast<double>(base.tokens())};
      }
      report.rows.push_back(row);
    }
  }
  return report;
}

}  // namespace recollect
