#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/fields.hpp"
#include "models/linear_attention/gate.hpp"
#include "models/mixer_settings.hpp"

namespace recollect {

/// How a state takes up a token: S + k v^T, or with what it has under k replaced by v.
enum class Update { kAdditive, kDelta };
enum class QkNorm { kNone, kL2 };
enum class ValueScale { kNone, kDt };
/// What stands between a core's output y and W_o, with w (d_v) shared by the heads and W_g u a
/// gate: y; rms(y) w; rms(y) w silu(W_g u); rms over all heads of (y silu(W_g u)), w (H d_v).
enum class CoreOutput { kPlain, kRms, kRmsGate, kGateRms };

/// The option `chunk`, and its rule beyond the range. @throws FieldError
[[nodiscard]] Field chunk_field(std::int64_t& chunk);
void expect_chunk(std::int64_t chunk);

/// Which core of linear attention runs, and what stands around it. docs/model.md has the formulas.
struct LinearOptions {
  Update update = Update::kAdditive;
  std::int64_t beta_max = 1;
  QkNorm qk_norm = QkNorm::kNone;
  std::int64_t qkv_conv = 0;  ///< taps of the convolutions of q, k and v; 0: none
  ValueScale value_scale = ValueScale::kNone;
  bool skip = false;
  CoreOutput output = CoreOutput::kPlain;
  std::int64_t key_width = 0;    ///< of a head; 0: D / H
  std::int64_t value_width = 0;  ///< likewise

  friend bool operator==(const LinearOptions&, const LinearOptions&) = default;

  /// Bound to this object.
  /// @param usual  what the variant's name sets: files mean it where they say nothing, and where it
  /// is not the common default, what `model:` says does not reach the variant
  /// @param without  options that have no place around the core
  [[nodiscard]] Fields fields(const LinearOptions& usual,
                              const std::vector<std::string_view>& without = {});
  [[nodiscard]] HeadWidths head_widths() const noexcept { return {key_width, value_width}; }
  /// @throws FieldError
  void validate(Gate gate) const;
};

}  // namespace recollect
