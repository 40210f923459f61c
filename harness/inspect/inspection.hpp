#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/inspect/level_variance.hpp"
#include "harness/show/shown_example.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// A query whose reading is looked at: one position of the example that is shown.
struct ShownQuery {
  std::int64_t position = 0;
  std::optional<std::int32_t> label;   ///< where it is scored
  std::optional<std::int32_t> answer;  ///< the model's, the same
  std::optional<std::int64_t>
      answer_at;  ///< the token that holds the label, where the task says so
};

/// Of half-lives, in tokens; infinite where nothing decays.
struct Quartiles {
  double low = 0.0;
  double median = 0.0;
  double high = 0.0;
};

/// What one head of a layer shows. (T, L) and the like are of the one example; means, shares and
/// quartiles of all. Empty or none: the variant has no such thing.
struct HeadInspection {
  std::vector<double> lambda;             ///< (T, L), also where the level holds nothing
  std::vector<double> gate;               ///< (T) log of the decay from the token before
  std::vector<double> beta;               ///< (T) how strongly a token is written
  std::vector<std::vector<double>> rows;  ///< of each query: (position + 1) weights of the tokens

  std::optional<VarianceShares> shares;                          ///< where there are levels
  std::vector<std::optional<double>> mean;                       ///< (L)
  std::vector<std::vector<std::optional<double>>> mean_by_kind;  ///< (L, kinds)
  std::optional<Quartiles> half_life;                            ///< of all tokens
  std::vector<std::optional<Quartiles>> half_life_by_kind;       ///< (kinds)
  std::vector<std::optional<double>> beta_by_kind;               ///< (kinds)
};

struct InspectedLayer {
  std::string mixer;       ///< its name; the variant's, but for what a pattern says
  std::size_t levels = 0;  ///< L; 0: no levels
  AttentionKind attention = AttentionKind::kNone;
  std::vector<HeadInspection> heads;  ///< none where its mixer reports nothing
};

/// What a trained model does with the examples of a split.
struct Inspection {
  std::string label;
  std::string variant;
  std::string weights;        ///< "best weights, step 4200, of cell c6ee..."
  ShownExample shown;         ///< the example that is shown
  std::int64_t examples = 0;  ///< that are averaged over, from 0
  std::size_t right = 0;      ///< scored positions of the example that are answered rightly
  std::vector<ShownQuery> queries;
  std::vector<InspectedLayer> layers;

  [[nodiscard]] bool has_levels() const noexcept;
  /// Whether layers have mixers of different names.
  [[nodiscard]] bool is_mixed() const noexcept;
};

/// Which examples are looked at.
struct InspectRequest {
  Split split = Split::kTest;
  std::int64_t example = 0;           ///< the one that is shown, from 0
  std::int64_t examples = 1;          ///< averaged over: 0..examples-1; 1 at least
  std::int64_t length = 0;            ///< T
  std::vector<std::int64_t> queries;  ///< positions; empty: the first and the last scored one
};

/// Example 0 and means of 64 examples, or as many as there are, at the trained length.
[[nodiscard]] InspectRequest default_request(const Cell& cell, Split split);

/// Runs the model, whose weights are set, over the examples, every token queried.
/// @throws ConfigError where the task or the model does not fit the length, or a query is beyond it
[[nodiscard]] Inspection inspect_cell(const CellPlace& place, SequenceModel<float>& model,
                                      const InspectRequest& request);

/// The verdict on an input-dependence, to stand behind "lambda": "hardly adapts", "adapts", "is one
/// constant a level", "is constant", or that one example tells nothing.
[[nodiscard]] const char* verdict_of(const VarianceShares& shares);

/// "itself", "1 token", "64 tokens", "64 or more": what level l of L spans.
[[nodiscard]] std::string span_of_level(std::size_t level, std::size_t levels, std::int64_t tokens);

/// ln 2 / -g: tokens after which half is left; infinite where g is 0.
[[nodiscard]] double half_life(double gate);

}  // namespace recollect
