#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/sequence_model.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {

/// One sequence of a golden batch.
struct GoldenSequence {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> labels;
  [[nodiscard]] SequenceInput input() const { return {ids, positions, labels}; }
};

/// The sequences in `json`: ids, label_positions, labels.
[[nodiscard]] std::vector<GoldenSequence> golden_batch(const nlohmann::json& json);

/// Paths of the golden files whose names start with one of `prefixes`, sorted.
[[nodiscard]] std::vector<std::string> golden_files(const std::vector<std::string>& prefixes);

/// One golden file: settings, parameters, batch, and what an independent float64 implementation
/// gives.
class Golden {
 public:
  explicit Golden(const std::string& path);

  [[nodiscard]] const nlohmann::json& json() const noexcept { return json_; }
  [[nodiscard]] TestModel settings() const;
  /// Gradients are then held relative to the largest of them.
  [[nodiscard]] bool badly_conditioned() const {
    return json_.contains("update") && json_.at("update") == "delta" &&
           json_.at("qk_norm") == "none";
  }
  [[nodiscard]] std::int64_t length() const { return json_.at("length"); }
  [[nodiscard]] std::vector<GoldenSequence> batch() const { return golden_batch(json_); }
  [[nodiscard]] double loss() const { return json_.at("loss"); }
  [[nodiscard]] std::vector<double> logits() const {
    return json_.at("logits_at_labels").at("data");
  }
  [[nodiscard]] std::vector<double> gradient(const std::string& name) const {
    return json_.at("grads").at(name).at("data");
  }

  /// A model with the file's parameters; fails unless names and shapes agree one to one.
  template <class S>
  [[nodiscard]] SequenceModel<S> model(const TestModel& settings) const;

 private:
  nlohmann::json json_;
};

template <class S>
[[nodiscard]] double largest_difference(const std::vector<double>& expected, const S* actual);
/// Largest difference over the largest magnitude expected.
template <class S>
[[nodiscard]] double relative_error(const std::vector<double>& expected, const S* actual);

}  // namespace recollect
