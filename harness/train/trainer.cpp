#include "harness/train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/config/task_parts.hpp"
#include "harness/train/batch_order.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/optimizer.hpp"
#include "harness/train/schedule.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {
namespace {

/// The sign of what is no number depends on the compiler.
std::string shown(double value) {
  return std::isnan(value) ? std::string("nan") : fmt::format("{}", value);
}

std::vector<float> copy_of(std::span<const float> weights) {
  return {weights.begin(), weights.end()};
}

std::vector<std::unique_ptr<Task>> component_tasks(const Cell& cell) {
  std::vector<std::unique_ptr<Task>> tasks;
  for (const TaskPart& part : training_parts(cell)) tasks.push_back(part.task->make());
  return tasks;
}

std::vector<std::unique_ptr<Task>> training_tasks(const Cell& cell) {
  std::vector<std::unique_ptr<Task>> tasks;
  for (const TaskPart& part : training_parts(cell)) {
    tasks.push_back(training_task(cell, *part.task));
  }
  return tasks;
}

/// One training. Between updates its state is in `progress_`, the model and the optimiser alone.
class Training {
 public:
  Training(const Cell& cell, int threads, TrainObserver& observer, const TrainControl& control)
      : cell_(cell),
        settings_(cell.train),
        observer_(observer),
        control_(control),
        threads_(threads),
        tasks_(component_tasks(cell)),
        training_tasks_(training_tasks(cell)),
        model_(build_model(cell)),
        batch_(model_, settings_.batch, largest_gradient(cell, model_), threads),
        optimizer_(model_.layout(), settings_),
        order_(cell) {
    const std::int64_t select_length = settings_.select_length.value_or(cell.task->length);
    if (select_length != cell.task->length) selection_task_ = task_at(cell, select_length);
    progress_.best_value = settings_.selection.worst();
  }

  TrainResult run() {
    resume();
    try {
      while (true) {
        if (evaluation_is_due()) {
          if (std::string diverged = evaluate(); !diverged.empty()) {
            return result(std::move(diverged));
          }
        }
        if (is_over()) break;
        if (control_.checkpoints && progress_.step > saved_step_ &&
            control_.checkpoints->due(progress_.step)) {
          save();
        }
        if (std::string diverged = update(); !diverged.empty()) {
          return result(std::move(diverged));
        }
      }
    } catch (const Interrupted&) {  // an incomplete update or evaluation has left no trace
      if (control_.checkpoints && progress_.step > 0) save();
      throw;
    }
    if (control_.checkpoints && progress_.step > saved_step_) save();
    return result("");
  }

 private:
  void resume() {
    if (!control_.checkpoints) return;
    Checkpoints::Found found = control_.checkpoints->load(model_.layout());
    for (const std::string& note : found.notes) observer_.on_note(note);
    if (!found.state) return;
    const auto put = [](const std::vector<float>& from, std::span<float> to) {
      std::copy(from.begin(), from.end(), to.begin());
    };
    put(found.state->weights, model_.parameters());
    put(found.state->first_moment, optimizer_.first_moment());
    put(found.state->second_moment, optimizer_.second_moment());
    progress_ = std::move(found.state->progress);
    saved_step_ = progress_.step;
    for (const HistoryRow& row : progress_.history) observer_.on_earlier_evaluation(row);
    observer_.on_resume(progress_.step);
  }

  void save() {
    control_.checkpoints->save(
        {progress_, model_.parameters(), optimizer_.first_moment(), optimizer_.second_moment()},
        model_.layout());
    saved_step_ = progress_.step;
  }

  [[nodiscard]] bool is_evaluated() const {
    return !progress_.history.empty() && progress_.history.back().step == progress_.step;
  }

  [[nodiscard]] bool evaluation_is_due() const {
    const std::int64_t step = progress_.step;
    return step > 0 && (step % settings_.interval() == 0 || step == settings_.steps) &&
           !is_evaluated();
  }

  [[nodiscard]] bool is_over() const {
    return progress_.step == settings_.steps || (is_evaluated() && goal_is_reached());
  }

  /// By the last evaluation, at the training length.
  [[nodiscard]] bool goal_is_reached() const {
    if (!settings_.stop_at) return false;
    const Selection& selection = settings_.selection;
    const HistoryRow& row = progress_.history.back();
    const double value =
        selection.value(row.validation_accuracy, row.validation_loss.value_or(0.0));
    return selection.reaches(value, *settings_.stop_at);
  }

  /// Makes the next update. @returns why training cannot go on; empty: it can
  std::string update() {
    const std::int64_t step = progress_.step + 1;
    order_.begin(step);
    const Task& task = *training_tasks_[order_.component()];
    model_.begin_step({task.length(), order_.size() * task.length(), threads_});
    const double loss = batch_.run(
        model_, order_.size(),
        [&](int b, Example& example, GeneratorScratch& scratch) {
          task.example({static_cast<std::uint64_t>(cell_.data_seed), Split::kTrain, order_[b]},
                       example, scratch);
        },
        control_.stop,
        DropoutDraw{static_cast<std::uint64_t>(cell_.order_seed),
                    static_cast<std::uint64_t>(step)});
    const double rate = learning_rate(settings_, step);
    progress_.gradient_norm =
        optimizer_.update(step, rate, batch_.gradient(), model_.parameters(), threads_);
    progress_.step = step;
    progress_.loss_since += loss;
    ++progress_.steps_since;
    if (!std::isfinite(loss) || !std::isfinite(progress_.gradient_norm)) {
      return fmt::format("step {}: loss {}, gradient norm {}", step, shown(loss),
                         shown(progress_.gradient_norm));
    }
    observer_.on_step(step, settings_.steps);
    return "";
  }

  /// @returns why training cannot go on; empty: it can. A model that gives no number on validation
  /// examples has diverged, and so has one with a weight that is none: the last update is seen
  /// here.
  std::string evaluate() {
    for (const float weight : model_.parameters()) {
      if (!std::isfinite(weight)) {
        return fmt::format("step {}: a weight is {}", progress_.step, shown(weight));
      }
    }
    const auto validate = [&](const Task& at_length) {
      return recollect::evaluate(model_, at_length, cell_.data_seed, Split::kValidation,
                                 settings_.validation_examples, batch_.lanes(), control_.stop);
    };
    const Selection& selection = settings_.selection;
    const auto value_of = [&](const Score& score) {
      return selection.value(score.accuracy, score.loss);
    };
    std::vector<double> accuracies;  // of the components
    Score score;
    for (const std::unique_ptr<Task>& task : tasks_) {
      const Score one = validate(*task);
      if (std::string none = without_loss(one); !none.empty()) return none;
      accuracies.push_back(one.accuracy);
      const double share = 1.0 / static_cast<double>(tasks_.size());
      score.accuracy += share * one.accuracy;
      score.exact_match += share * one.exact_match;
      score.loss += share * one.loss;
    }
    if (tasks_.size() == 1) accuracies.clear();
    const Score selection_score = selection_task_ ? validate(*selection_task_) : score;
    if (std::string none = without_loss(selection_score); !none.empty()) return none;
    const double candidate = value_of(selection_score);
    progress_.history.push_back(HistoryRow{
        progress_.step, progress_.loss_since / static_cast<double>(progress_.steps_since),
        progress_.gradient_norm, learning_rate(settings_, progress_.step), score.accuracy,
        score.exact_match, selection.by_loss() ? std::optional(score.loss) : std::nullopt,
        std::move(accuracies)});
    progress_.loss_since = 0.0;
    progress_.steps_since = 0;
    if (!progress_.solved_step && score.accuracy >= selection.solve_at) {
      progress_.solved_step = progress_.step;
    }
    if (selection.better(candidate, progress_.best_value)) {
      progress_.best_value = candidate;
      progress_.best_step = progress_.step;
      progress_.best_weights = copy_of(model_.parameters());
    }
    observer_.on_evaluation(progress_.history.back());
    return "";
  }

  /// Why a validation shows that training has diverged; empty: it does not.
  [[nodiscard]] std::string without_loss(const Score& score) const {
    if (std::isfinite(score.loss)) return "";
    return fmt::format("step {}: validation loss {} at length {}", progress_.step,
                       shown(score.loss), score.eval_length);
  }

  TrainResult result(std::string diverged) {
    TrainResult result;
    result.history = std::move(progress_.history);
    result.steps = progress_.step;
    result.solved_step = progress_.solved_step;
    result.best_step = progress_.best_step;
    result.final_weights = copy_of(model_.parameters());
    result.best_weights = std::move(progress_.best_weights);
    if (result.best_weights.empty()) result.best_weights = result.final_weights;
    result.diverged = std::move(diverged);
    return result;
  }

  const Cell& cell_;
  const TrainSettings& settings_;
  TrainObserver& observer_;
  const TrainControl& control_;
  int threads_;
  // Of the components of a mixture, or of the one task: what is validated, and what is learned.
  std::vector<std::unique_ptr<Task>> tasks_, training_tasks_;
  std::unique_ptr<Task> selection_task_;  // of another length, where that selects the best weights
  SequenceModel<float> model_;
  BatchStep<float> batch_;
  Adam<float> optimizer_;
  BatchOrder order_;
  TrainProgress progress_;
  std::int64_t saved_step_ = 0;
};

}  // namespace

TrainResult train(const Cell& cell, int threads, TrainObserver& observer,
                  const TrainControl& control) {
  return Training(cell, threads, observer, control).run();
}

}  // namespace recollect
