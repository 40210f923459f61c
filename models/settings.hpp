#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.hpp"

namespace recollect {

enum class Norm { kPost, kPre };
enum class NormKind { kLayer, kRms };
enum class MlpKind { kGelu, kSwiglu };
enum class Position { kNone, kLearned, kRope };
enum class Init { kPublished, kIdentity, kUniform };

/// The options of the sequence model around its mixers; the defaults are those of the papers'
/// synthetic experiments. What a mixer alone uses are options of its own (MixerSettings). A variant
/// may override any of them.
struct ModelSettings {
  std::int64_t layers = 2;
  std::int64_t width = 64;  ///< D
  std::int64_t heads = 1;   ///< H; divides D unless a mixer's heads have widths of their own
  Norm norm = Norm::kPost;
  NormKind norm_kind = NormKind::kLayer;
  Position position = Position::kNone;
  /// Taps of the depthwise causal convolution before the mixer; 0: none.
  std::int64_t short_conv = 0;
  std::int64_t mlp = 0;  ///< hidden width of the MLP block over D; 0: none
  MlpKind mlp_kind = MlpKind::kGelu;
  bool tied_head = false;  ///< logits are E LN(x): the head has no weights of its own
  Init init = Init::kPublished;
  /// Share of the numbers of E[ids] + P that a training step leaves out; 0: none.
  double embedding_dropout = 0.0;
  /// What stands in the layers, repeated over them, as a configuration writes it: `variant`, a
  /// mixer's name, or a map of a name and options. What it means is ModelSpec::layers.
  std::vector<std::string> pattern = {"variant"};

  [[nodiscard]] Fields fields();
  /// The rules between these options; those that depend on the mixer are MixerSettings'. @throws
  /// FieldError
  void validate() const;
};

/// Which form of the log-linear core runs. kFastest chooses between dense and chunkwise by their
/// cost; kRecurrent has no backward pass.
enum class Form { kFastest, kDense, kChunkwise, kRecurrent };

/// How a model is computed, which is no property of the model: every choice is exact, and last bits
/// differ. Training and scoring use the default; tests and benchmarks compare.
struct Execution {
  Form form = Form::kFastest;
  bool shortcuts = true;  ///< the exact algebraic shortcuts of models/shortcuts
};

/// What a mixer needs to know to be built as one layer of a model.
struct LayerContext {
  const ModelSettings& model;
  Execution execution;
  std::int64_t levels;     ///< L, the number of levels that the model has weights for
  std::string prefix;      ///< of the layer's tensor names, "layers.0."
  std::int64_t vocab = 0;  ///< V of a first layer that sees token ids alone; else 0
};

/// Standard deviation of initial weights, and of those of W_o, which every layer adds to the
/// residual stream (GPT-2's rule).
inline constexpr double kInitialDeviation = 0.02;
[[nodiscard]] double output_deviation(const ModelSettings& model) noexcept;

}  // namespace recollect
