#include "harness/exchange/predictions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/config/load.hpp"
#include "harness/exchange/example_set.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "math/parallel.hpp"
#include "math/view.hpp"

namespace recollect {
namespace {

constexpr const char* kPredictions = "predictions";
constexpr const char* kLogits = "logits";

/// The answers of arrays, once these have been found to be of these examples.
class FileAnswers {
 public:
  /// @param file  outlives it
  FileAnswers(const ArrayFile& file, std::string where, const ExampleSet& set)
      : where_(std::move(where)), file_(file), scored_(set.scored), vocab_(set.vocab) {
    check_digest(set);
    const bool ids = file_.find(kPredictions) != nullptr;
    if (ids == (file_.find(kLogits) != nullptr)) {
      throw IoError(fmt::format("{}: holds {} arrays '{}' and '{}'; give one of them", where_,
                                ids ? "both" : "neither of the", kPredictions, kLogits));
    }
    array_ = &expect_array(file_, ids ? kPredictions : kLogits,
                           ids ? NumberType::kInt32 : NumberType::kFloat32, where_);
    std::vector<std::int64_t> wanted = {set.examples, set.scored};
    if (!ids) wanted.push_back(set.vocab);
    if (array_->shape != wanted) {
      throw IoError(fmt::format("{}: '{}' has shape {}, but these examples need {}", where_,
                                array_->name, shape_text(array_->shape), shape_text(wanted)));
    }
  }

  /// @returns the loss of the example
  double answer(std::int64_t i, const Example& example, std::span<std::int32_t> answers) const {
    double loss =
        array_->type == NumberType::kInt32 ? std::numeric_limits<double>::quiet_NaN() : 0.0;
    std::vector<float> logits(static_cast<std::size_t>(vocab_));
    for (std::size_t r = 0; r < answers.size(); ++r) {
      const std::int64_t place = i * scored_ + static_cast<std::int64_t>(r);
      if (array_->type == NumberType::kInt32) {
        answers[r] = id_at(i, r, place);
        continue;
      }
      copy(place * vocab_, std::span(logits));
      for (const float logit : logits) {
        if (std::isnan(logit)) throw at(i, r, "a logit is NaN");
      }
      answers[r] = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) -
                                             logits.begin());
      const double one = loss_of(logits, example.labels[r]);
      if (!std::isfinite(one)) throw at(i, r, fmt::format("the loss of its logits is {}", one));
      loss += one;
    }
    return loss;
  }

 private:
  void check_digest(const ExampleSet& set) const {
    const auto digest = file_.texts.find(kDigestText);
    if (digest == file_.texts.end()) {
      throw IoError(
          fmt::format("{}: text '{}' is missing; copy that of the examples which the "
                      "predictions are of",
                      where_, kDigestText));
    }
    if (digest->second == set.digest) return;
    throw IoError(
        fmt::format("{}: its digest is {}, but that of these examples is {}: the "
                    "predictions are of others",
                    where_, printable(digest->second), set.digest));
  }

  [[nodiscard]] IoError at(std::int64_t i, std::size_t r, const std::string& what) const {
    return IoError(fmt::format("{}: '{}' of example {}, scored position {}: {}", where_,
                               array_->name, i, r, what));
  }

  template <class Number>
  void copy(std::int64_t from, std::span<Number> to) const {
    std::memcpy(to.data(), array_->bytes.data() + static_cast<std::size_t>(from) * kNumberBytes,
                to.size_bytes());
  }

  [[nodiscard]] std::int32_t id_at(std::int64_t i, std::size_t r, std::int64_t place) const {
    std::int32_t id = 0;
    copy(place, std::span(&id, 1));
    if (id >= 0 && id < vocab_) return id;
    throw at(i, r, fmt::format("id {} is not in 0..{}", id, vocab_ - 1));
  }

  static double loss_of(const std::vector<float>& logits, std::int32_t label) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
    return std::log(sum) + largest - static_cast<double>(logits[static_cast<std::size_t>(label)]);
  }

  std::string where_;
  const ArrayFile& file_;
  const ArrayView* array_ = nullptr;
  std::int64_t scored_;
  std::int64_t vocab_;
};

/// The cell, asking for that length alone: whether the model reads it is for the rules of
/// configurations to say. Its weights have the levels that they were trained with.
Cell at_length_of(const Cell& cell, const std::string& experiment, const TaskPart& part) {
  if (!cell.scored.empty()) return cell;
  Cell there =
      parse_experiment(cell.yaml(experiment), experiment,
                       {fmt::format("eval.lengths=[{}]", part.task->length)}, AllowedNames::kAny)
          .cells.front();
  there.levels = cell.levels;
  return there;
}

SequenceModel<float> trained_model(const Cell& cell, const std::filesystem::path& file) {
  SequenceModel<float> model = empty_model(cell);
  const std::vector<float> weights = load_weights(file, model.layout());
  std::copy(weights.begin(), weights.end(), model.parameters().begin());
  return model;
}

void refuse_training(const ExampleRequest& request) {
  if (request.split != Split::kTrain && !request.steps) return;
  throw Error(ExitStatus::kUsage,
              "training examples are not scored; choose the split validation or test");
}

}  // namespace

OutsideScore score_predictions(const Cell& cell, const ExampleRequest& request,
                               const std::filesystem::path& file, int threads) {
  refuse_training(request);
  return score_predictions(cell, request, read_arrays(file), file.string(), threads);
}

OutsideScore score_predictions(const Cell& cell, const ExampleRequest& request,
                               const ArrayFile& arrays, const std::string& where, int threads,
                               const StopRequest& stop) {
  refuse_training(request);
  const ExampleSet set = make_examples(cell, "", request, threads, stop);
  const FileAnswers answers(arrays, where, set);
  OutsideScore scored{request.split, requested_part(cell, request), {}};
  scored.score = score_answers(
      cell, request.split, *scored.part.task, scored.part.examples, threads,
      [&](std::int64_t i, const Example& example, std::span<std::int32_t> out) {
        return answers.answer(i, example, out);
      },
      stop);
  return scored;
}

OutsideScore score_checkpoint(const Cell& cell, const std::string& experiment,
                              const ExampleRequest& request, const std::filesystem::path& file,
                              int threads) {
  refuse_training(request);
  OutsideScore scored{request.split, requested_part(cell, request), {}};
  const Cell there = at_length_of(cell, experiment, scored.part);
  SequenceModel<float> model = trained_model(there, file);
  scored.score = score(model, there, request.split, *scored.part.task, scored.part.examples,
                       threads, /*with_slices=*/true);
  if (!std::isfinite(scored.score.loss)) {
    throw IoError(fmt::format("{}: these weights give no finite loss at length {}", file.string(),
                              scored.part.task->length));
  }
  return scored;
}

std::vector<float> logits_of(const Cell& cell, const std::string& experiment,
                             const ExampleRequest& request, const std::filesystem::path& file,
                             int threads) {
  const TaskPart part = requested_part(cell, request);
  const Cell there = at_length_of(cell, experiment, part);
  SequenceModel<float> model = trained_model(there, file);
  const std::unique_ptr<Task> task = part.task->make();
  const std::int64_t vocab = task->vocab();
  const std::int64_t each = task->max_scored() * vocab;
  std::vector<float> logits(static_cast<std::size_t>(part.examples * each));
  model.begin_step({task->length(), part.examples * task->length(), threads});
  std::vector<Lane<float>> lanes(static_cast<std::size_t>(threads));
  parallel_for(static_cast<int>(part.examples), threads, [&](int i, int thread) {
    Lane<float>& lane = lanes[static_cast<std::size_t>(thread)];
    task->example(
        {static_cast<std::uint64_t>(cell.data_seed), request.split, static_cast<std::uint64_t>(i)},
        lane.example, lane.scratch);
    const auto rows = static_cast<Index>(lane.example.positions.size());
    (void)model.forward(input_of(lane.example), lane.workspace,
                        view(logits.data() + i * each, rows, vocab));
  });
  return logits;
}

void write_logits(const std::filesystem::path& path, const Cell& cell,
                  const std::string& experiment, const ExampleRequest& request,
                  const std::filesystem::path& file, int threads) {
  const ExampleSet set = make_examples(cell, experiment, request, threads);
  const std::vector<float> logits = logits_of(cell, experiment, request, file, threads);
  write_arrays(path,
               {{kLogits,
                 NumberType::kFloat32,
                 {set.examples, set.scored, set.vocab},
                 bytes_of(std::span(logits))}},
               {{kDigestText, set.digest}});
}

}  // namespace recollect
