#include "harness/config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/pinned_file.hpp"
#include "harness/config/bounds.hpp"

namespace recollect {

namespace {

constexpr double kMaxLoss = 1000.0;  // nats; guessing among kMaxVocab ids costs 15

/// An option that another one may decide: it is not written down beside that one.
Field decided(Field made, bool by_another) {
  made.decided = by_another;
  return made;
}

}  // namespace

bool VariantSettings::has_levels() const {
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& layer) { return layer->has_levels(); });
}

Fields TrainSettings::fields() {
  Fields all;
  all.push_back(
      decided(field("examples", examples, "training examples, drawn once; online: fresh for ever")
                  .range(1, kMostExamples)
                  .or_word("online"),
              !mixture.empty()));
  all.push_back(field("validation_examples", validation_examples, "validation examples")
                    .range(1, kMostExamples));
  all.push_back(field("batch", batch, "examples a step").range(1, 65536));
  all.push_back(decided(field("steps", steps, "optimiser steps at most").range(1, kMostSteps),
                        epochs.has_value()));
  all.push_back(field("learning_rate", learning_rate, "Adam's step size").above(0, 10));
  all.push_back(field("betas", betas, "Adam's decay rates of the two moments").below(0, 1).size(2));
  all.push_back(field("epsilon", epsilon, "Adam's epsilon").above(0, 1));
  all.push_back(
      field("weight_decay", weight_decay, "decoupled, on tensors of two or more dimensions")
          .range(0, 10));
  all.push_back(field("clip", clip, "largest global norm of the gradient; 0: off").range(0, 1e6));
  all.push_back(choice("schedule", schedule, {"constant", "cosine", "cosine-epoch"},
                       "learning rate after the warmup; cosine ends at min_learning_rate, and so "
                       "does cosine-epoch: (1 + cos(pi e/E))/2 of the way throughout epoch e = 0.. "
                       "of E"));
  all.push_back(field("warmup", warmup, "steps of linear warmup").range(0, kMostSteps));
  all.push_back(field("eval_every", eval_every, "steps between validations; epoch: after each")
                    .range(1, kMostSteps)
                    .or_word("epoch"));
  all.push_back(field("stop_at", stop_at,
                      "stop at this validation accuracy (at most 1) or, with metric: loss, at this "
                      "validation loss or less")
                    .above(0, kMaxLoss)
                    .when_absent("train for all steps"));
  all.push_back(
      decided(field("select_length", select_length,
                    "length at which validation selects the best weights; another length than "
                    "task.length flags the rows")
                  .range(1, 1 << 24)
                  .when_absent("task.length"),
              !mixture.empty()));
  all.push_back(field("order_seed", order_seed, "seed of the batches; not with examples: online")
                    .range(0, static_cast<double>(kMaxSeed))
                    .when_absent("the cell's seed"));
  all.push_back(choice("metric", selection.metric, {"accuracy", "loss"},
                       "what of the validation selects the best weights and is compared with "
                       "stop_at; loss adds validation_loss to history.csv")
                    .implied_at("accuracy"));
  all.push_back(field("solve_at", selection.solve_at,
                      "validation accuracy from which a cell counts as solved, whatever the metric")
                    .above(0, 1)
                    .implied_at("0.99"));
  all.push_back(field("epochs", epochs,
                      "in place of steps: passes over all examples, the last batch of each may be "
                      "short")
                    .range(1, kMostSteps)
                    .or_word("none")
                    .implied_at("none"));
  all.push_back(field("mixture", mixture,
                      "components that training mixes, batch by batch: maps of task options and "
                      "examples, e.g. {length: 64, pairs: 4, examples: 20000}")
                    .or_word("none")
                    .implied_at("none"));
  all.push_back(choice("order", order, {"shuffled", "in-order"},
                       "of a mixture or an epoch: examples and batches in a random order, another "
                       "in each epoch; or as they are, component after component")
                    .implied_at("shuffled"));
  all.push_back(
      choice("loss", loss, {"answers", "next-token"},
             "what training learns to answer: the scored positions, or also the next "
             "token at every other position but the last; scores are of the answers alone")
          .implied_at("answers"));
  all.push_back(field("min_learning_rate", min_learning_rate, "where cosine schedules end")
                    .range(0, 10)
                    .implied_at("0"));
  all.push_back(
      field("decay_all", decay_all, "weight_decay on every tensor, also on those of one dimension")
          .implied_at("false"));
  all.push_back(
      field("init", init,
            "a file of named tensors that training starts from, as `recollect run --init` takes "
            "it, relative to the configuration; @DIGEST behind it says which content it must have")
          .identified_as({{init, identity_of_pinned(init)}})
          .implied_at(kDrawn));
  all.push_back(field("init_partial", init_partial,
                      "with init: missing tensors are drawn, those of other models passed over")
                    .implied_at("false"));
  return all;
}

void TrainSettings::validate() const {
  const bool passes = epochs || !mixture.empty();
  const auto needs_epochs = [&](const char* key, const std::string& value) {
    throw FieldError(key, fmt::format("= {} needs train.epochs; give their number, or choose "
                                      "another {}",
                                      value, key));
  };
  if (!epochs && schedule == Schedule::kCosineEpoch) needs_epochs("schedule", "cosine-epoch");
  if (!passes && !eval_every) needs_epochs("eval_every", "epoch");
  if (!passes && order != ExampleOrder::kShuffled) needs_epochs("order", "in-order");
  if (schedule == Schedule::kCosineEpoch && warmup > 0) {
    throw FieldError("warmup", fmt::format("= {} does not go with schedule: cosine-epoch, which "
                                           "is constant throughout an epoch; leave it out",
                                           warmup));
  }
  if (!examples && epochs) {
    throw FieldError("epochs", fmt::format("= {} does not go with train.examples = online, which "
                                           "never come twice; give a number of examples or steps",
                                           *epochs));
  }
  if (stop_at && *stop_at > 1.0 && !selection.by_loss()) {
    throw FieldError("stop_at",
                     fmt::format("= {} is beyond every accuracy; lower it to 1 or less, or set "
                                 "train.metric: loss to stop at that validation loss",
                                 shortest(*stop_at)));
  }
  if (!passes && examples && batch > *examples) {
    throw FieldError("batch",
                     fmt::format("= {} is more than train.examples = {}, and a batch holds no "
                                 "example twice; lower batch to {} or raise examples",
                                 batch, *examples, *examples));
  }
  if (!examples && order_seed) {
    throw FieldError("order_seed",
                     fmt::format("= {} has no effect with train.examples = online, where no "
                                 "batches are drawn; leave it out or give a number of examples",
                                 *order_seed));
  }
  if (init_partial && init == kDrawn) {
    throw FieldError("init_partial",
                     "= true has no effect without train.init; leave it out or name a file");
  }
  if (decay_all && weight_decay == 0.0) {
    throw FieldError("decay_all",
                     "= true has no effect with train.weight_decay = 0; leave it out or give a "
                     "weight_decay");
  }
  if (min_learning_rate > 0.0 && schedule == Schedule::kConstant) {
    throw FieldError("min_learning_rate",
                     fmt::format("= {} has no effect with train.schedule = constant, which never "
                                 "falls; leave it out or set schedule to cosine",
                                 shortest(min_learning_rate)));
  }
  if (min_learning_rate > learning_rate) {
    throw FieldError("min_learning_rate",
                     fmt::format("= {} is more than train.learning_rate = {}, from which the "
                                 "schedule falls; lower it",
                                 shortest(min_learning_rate), shortest(learning_rate)));
  }
  if (!epochs) validate_warmup();
}

void TrainSettings::validate_warmup() const {
  if (warmup <= steps) return;
  throw FieldError("warmup",
                   fmt::format("= {} is more than {} = {}; lower it to {} or less", warmup,
                               epochs ? "the steps of train.epochs" : "train.steps", steps, steps));
}

Fields EvalSettings::fields() {
  Fields all;
  all.push_back(
      decided(field("lengths", lengths, "lengths at which the final and best weights are scored")
                  .range(1, 1 << 24)
                  .when_absent("[task.length]"),
              !cells.empty()));
  all.push_back(
      field("examples", examples, "test examples at each length").range(1, kMostExamples));
  all.push_back(choice("unseen_levels", unseen_levels, {"error", "clamp", "as-is"},
                       "what a level beyond the trained ones reads: nothing (an error), the last "
                       "trained level's lambda, or the untrained row"));
  all.push_back(field("cells", cells,
                      "in place of lengths: settings at which the weights are scored, maps of task "
                      "options and examples; with a mixture its components, unless given")
                    .or_word("none")
                    .implied_at("none"));
  return all;
}

}  // namespace recollect
