#include "harness/bench/workload.hpp"

#include <algorithm>

#include "harness/bench/clock.hpp"
#include "harness/bench/outputs.hpp"
#include "harness/train/trainer.hpp"
#include "math/parallel.hpp"

namespace recollect {

StepLoop::StepLoop(const BenchCase& what)
    : mode_(what.mode),
      threads_(what.threads),
      length_(what.cell.task->length),
      batch_(what.cell.train.batch),
      examples_(ready_examples(what.cell, batch_)),
      model_(build_model(what.cell, what.execution)),
      batch_step_(model_, batch_, model_.gradient_size(batch_ * length_), what.threads),
      optimizer_(model_.layout(), what.cell.train) {}

void StepLoop::step() {
  model_.begin_step({length_, batch_ * length_, threads_});
  if (mode_ == BenchMode::kTrain) {
    train_step();
  } else {
    score_step();
  }
}

void StepLoop::train_step() {
  (void)batch_step_.run(model_, [&](int b, Example& example, GeneratorScratch&) {
    example = examples_[static_cast<std::size_t>(b)];
  });
  (void)optimizer_.update(++steps_, 0.0, batch_step_.gradient(), model_.parameters(), threads_);
}

void StepLoop::score_step() {
  parallel_for(static_cast<int>(batch_), threads_, [&](int b, int thread) {
    Lane<float>& lane = batch_step_.lanes()[static_cast<std::size_t>(thread)];
    lane.example = examples_[static_cast<std::size_t>(b)];
    const auto scored = static_cast<Index>(lane.example.positions.size());
    lane.logits.resize(static_cast<std::size_t>(scored * model_.vocab()));
    const View<float> logits = view(lane.logits.data(), scored, model_.vocab());
    if (mode_ == BenchMode::kStream) {
      (void)model_.stream(input_of(lane.example), lane.workspace, logits);
    } else {
      (void)model_.forward(input_of(lane.example), lane.workspace, logits);
    }
  });
}

std::int64_t StepLoop::workspace_bytes() {
  std::size_t most = 0;
  for (const Lane<float>& lane : batch_step_.lanes()) {
    most = std::max(most, lane.workspace.peak_bytes());
  }
  return static_cast<std::int64_t>(most);
}

Workload::Workload(const BenchCase& what) {
  for (int i = 0; i < what.cells; ++i) {
    loops_.push_back(std::make_unique<StepLoop>(what));
  }
}

double Workload::run(std::int64_t steps) {
  const auto loops = static_cast<int>(loops_.size());
  const double begin = seconds_now();
  parallel_for(loops, loops, [&](int loop, int) {
    for (std::int64_t i = 0; i < steps; ++i) loops_[static_cast<std::size_t>(loop)]->step();
  });
  return seconds_now() - begin;
}

}  // namespace recollect
