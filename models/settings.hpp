#pragma once

#include <cstdint>
#include <string_view>

#include "base/fields.hpp"

namespace recollect {

enum class Norm { kPost, kPre };
enum class Position { kNone, kLearned, kRope };
enum class Gate { kInput, kConstant, kNone };
enum class Init { kPublished, kIdentity };
/// How a first layer is computed that sees nothing but token ids: exact either way, but the last
/// bits differ.
enum class FirstLayer { kIds, kRows };

/// Which form of the log-linear core runs: not an option of the configuration. kFastest chooses
/// between dense and chunkwise by their cost; kRecurrent has no backward pass.
enum class Form { kFastest, kDense, kChunkwise, kRecurrent };

/// The options of the sequence model; the defaults are those of the papers' synthetic experiments.
/// A variant may override any of them.
struct ModelSettings {
  std::int64_t layers = 2;
  std::int64_t width = 64;  ///< D
  std::int64_t heads = 1;   ///< H; divides D
  Norm norm = Norm::kPost;
  Position position = Position::kNone;
  Gate gate = Gate::kInput;
  std::int64_t short_conv =
      0;                 ///< taps of the depthwise causal convolution before the mixer; 0: none
  std::int64_t mlp = 0;  ///< hidden width of the MLP block over D; 0: none
  std::int64_t lambda_hidden = 64;
  std::int64_t chunk = 64;  ///< tokens handled densely by the chunkwise form; a power of two
  Init init = Init::kPublished;
  FirstLayer first_layer = FirstLayer::kIds;
  Form form = Form::kFastest;
  bool savings = true;  ///< not an option: false turns the exact algebraic savings off, to compare

  /// Whether the first layer of a log-linear variant runs by id (LogLinearById): where nothing but
  /// the id tells tokens apart, and the vocabulary is so small that it pays.
  [[nodiscard]] bool first_layer_by_id(std::int64_t vocab) const noexcept;

  [[nodiscard]] Fields fields();
  /// The rules between options of one model with mixer `variant`. @throws FieldError
  void validate(std::string_view variant) const;
};

}  // namespace recollect
