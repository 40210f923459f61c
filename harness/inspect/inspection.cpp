#include "harness/inspect/inspection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "harness/train/batch_step.hpp"

namespace recollect {
namespace {

/// The values at the quarters of `values`, which are sorted here: values that occur, so that
/// infinite ones do no harm.
std::optional<Quartiles> quartiles(std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(
        std::llround(share * static_cast<double>(values.size() - 1)))];
  };
  return Quartiles{at(0.25), at(0.5), at(0.75)};
}

/// What is gathered of one head over the examples.
class HeadAverages {
 public:
  HeadAverages(const LayerInspection& layer, std::size_t kinds)
      : kinds_(kinds), half_lives_(kinds), beta_(kinds), tokens_(kinds) {
    if (layer.levels > 0) variance_.emplace(layer.tokens, layer.levels, kinds);
  }

  void add(const LayerInspection& layer, std::size_t h, std::span<const std::int32_t> kind_of) {
    const auto of_head = [&](const std::vector<double>& all, std::size_t width) {
      return std::span(all).subspan(h * layer.tokens * width, layer.tokens * width);
    };
    if (variance_) variance_->add(of_head(layer.lambda, layer.levels), kind_of);
    for (std::size_t t = 0; t < kind_of.size(); ++t) {
      const auto kind = static_cast<std::size_t>(kind_of[t]);
      tokens_[kind] += 1.0;
      if (!layer.gate.empty()) half_lives_[kind].push_back(half_life(of_head(layer.gate, 1)[t]));
      if (!layer.beta.empty()) beta_[kind] += of_head(layer.beta, 1)[t];
    }
  }

  void finish(const LayerInspection& layer, HeadInspection& head) {
    if (variance_) {
      head.shares = variance_->shares();
      for (std::size_t level = 0; level < layer.levels; ++level) {
        head.mean.push_back(variance_->mean(level));
        std::vector<std::optional<double>>& by_kind = head.mean_by_kind.emplace_back();
        for (std::size_t k = 0; k < kinds_; ++k) by_kind.push_back(variance_->mean(level, k));
      }
    }
    if (!layer.gate.empty()) {
      std::vector<double> all;
      for (std::vector<double>& of_kind : half_lives_) {
        all.insert(all.end(), of_kind.begin(), of_kind.end());
        head.half_life_by_kind.push_back(quartiles(of_kind));
      }
      head.half_life = quartiles(all);
    }
    for (std::size_t k = 0; k < kinds_ && !layer.beta.empty(); ++k) {
      head.beta_by_kind.push_back(tokens_[k] > 0.0 ? std::optional(beta_[k] / tokens_[k])
                                                   : std::nullopt);
    }
  }

 private:
  std::size_t kinds_;
  std::optional<LevelVariance> variance_;
  std::vector<std::vector<double>> half_lives_;  // (kinds)
  std::vector<double> beta_;                     // (kinds) sums
  std::vector<double> tokens_;                   // (kinds)
};

/// The one example of a head.
HeadInspection example_of(const LayerInspection& layer, std::size_t h,
                          const std::vector<ShownQuery>& queries) {
  const auto of_head = [&](const std::vector<double>& all) {
    const std::size_t size = all.size() / layer.heads;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(h * size);
    return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
  HeadInspection head;
  head.lambda = of_head(layer.lambda);
  head.gate = of_head(layer.gate);
  head.beta = of_head(layer.beta);
  if (layer.attention == AttentionKind::kNone) return head;
  for (const ShownQuery& query : queries) {
    head.rows.push_back(layer.attention_row(h, static_cast<std::size_t>(query.position)));
  }
  return head;
}

/// Where the token stands that answers scored position r: the tag `lag` is the distance to it.
std::optional<std::int64_t> answer_position(const ShownExample& shown, std::size_t r) {
  const Example& example = shown.example;
  for (std::size_t i = 0; i < shown.tags.size(); ++i) {
    if (shown.tags[i] != "lag") continue;
    const std::int64_t at = example.positions[r] - example.tags_of(r)[i];
    if (at < 0 || at > example.positions[r]) return std::nullopt;
    const bool holds = example.ids[static_cast<std::size_t>(at)] == example.labels[r];
    return holds ? std::optional(at) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<ShownQuery> queries_of(const ShownExample& shown,
                                   const std::vector<std::int32_t>& answers,
                                   std::vector<std::int64_t> positions) {
  const std::vector<std::int32_t>& scored = shown.example.positions;
  if (positions.empty()) {
    positions = {scored.front()};
    if (scored.size() > 1) positions.push_back(scored.back());
  }
  std::vector<ShownQuery> queries;
  for (const std::int64_t position : positions) {
    if (position < 0 || position >= shown.length) {
      throw ConfigError(fmt::format("query {} is not in 0..{}, the positions of the example",
                                    position, shown.length - 1));
    }
    ShownQuery query{position, std::nullopt, std::nullopt, std::nullopt};
    const auto found = std::find(scored.begin(), scored.end(), position);
    if (found != scored.end()) {
      const auto r = static_cast<std::size_t>(found - scored.begin());
      query.label = shown.example.labels[r];
      query.answer = answers[r];
      query.answer_at = answer_position(shown, r);
    }
    queries.push_back(query);
  }
  return queries;
}

}  // namespace

bool Inspection::has_levels() const noexcept {
  return std::any_of(layers.begin(), layers.end(),
                     [](const InspectedLayer& layer) { return layer.levels > 0; });
}

bool Inspection::is_mixed() const noexcept {
  return std::any_of(layers.begin(), layers.end(), [&](const InspectedLayer& layer) {
    return layer.mixer != layers.front().mixer;
  });
}

double half_life(double gate) {
  return gate < 0.0 ? std::numbers::ln2 / -gate : std::numeric_limits<double>::infinity();
}

const char* verdict_of(const VarianceShares& shares) {
  if (shares.total == 0.0) return "is constant";
  if (shares.examples < 2) return "is of one example, which tells nothing";
  if (shares.inputs == 0.0 && shares.positions == 0.0) return "is one constant a level";
  return shares.inputs < kHardlyAdapts ? "hardly adapts" : "adapts";
}

std::string span_of_level(std::size_t level, std::size_t levels, std::int64_t tokens) {
  if (level == 0) return "itself";
  const std::int64_t span = std::int64_t{1} << (level - 1);
  const bool more = level + 1 == levels && tokens > 2 * span;
  return fmt::format("{}{}", span, more ? " or more" : span == 1 ? " token" : " tokens");
}

InspectRequest default_request(const Cell& cell, Split split) {
  constexpr std::int64_t kExamples = 64;
  return {split, 0, std::min(kExamples, examples_of(cell, split)), cell.task->length, {}};
}

Inspection inspect_cell(const CellPlace& place, SequenceModel<float>& model,
                        const InspectRequest& request) {
  const Cell& cell = place.cell;
  Inspection inspection;
  inspection.label = cell.variant.label;
  inspection.variant = cell.variant.name;
  inspection.shown = shown_example(place, request.split, request.example, request.length);
  inspection.examples = request.examples;
  const ShownExample& shown = inspection.shown;

  model.begin_step({shown.length, 0});
  Lane<float> lane;
  lane.answers.resize(shown.scored());
  inspection.right = static_cast<std::size_t>(
      model.score(input_of(shown.example), lane.workspace, lane.answers).correct);
  inspection.queries = queries_of(shown, lane.answers, request.queries);
  const std::vector<LayerInspection> of_shown = model.inspect(shown.example.ids, lane.workspace);
  std::vector<std::vector<HeadAverages>> averages;
  for (const LayerInspection& layer : of_shown) {
    InspectedLayer& out = inspection.layers.emplace_back();
    out.mixer = cell.variant.layers[inspection.layers.size() - 1]->name();
    out.levels = layer.levels;
    out.attention = layer.attention;
    for (std::size_t h = 0; h < layer.heads; ++h) {
      out.heads.push_back(example_of(layer, h, inspection.queries));
    }
    averages.emplace_back(layer.heads, HeadAverages(layer, shown.kinds.size()));
  }

  const std::unique_ptr<Task> task = part_at(cell, request.split, request.length).task->make();
  std::vector<std::int32_t> kind_of(static_cast<std::size_t>(request.length));
  for (std::int64_t i = 0; i < request.examples; ++i) {
    task->example(
        {static_cast<std::uint64_t>(cell.data_seed), request.split, static_cast<std::uint64_t>(i)},
        lane.example, lane.scratch);
    task->find_kinds(lane.example, kind_of);
    const std::vector<LayerInspection> layers = model.inspect(lane.example.ids, lane.workspace);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      for (std::size_t h = 0; h < layers[l].heads; ++h) {
        averages[l][h].add(layers[l], h, kind_of);
      }
    }
  }
  for (std::size_t l = 0; l < of_shown.size(); ++l) {
    for (std::size_t h = 0; h < of_shown[l].heads; ++h) {
      averages[l][h].finish(of_shown[l], inspection.layers[l].heads[h]);
    }
  }
  return inspection;
}

}  // namespace recollect
