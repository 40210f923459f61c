#include "models/settings.hpp"

#include <fmt/format.h>

#include <bit>
#include <string>

#include "base/error.hpp"
#include "models/registry.hpp"

namespace recollect {

Fields ModelSettings::fields() {
  Fields all;
  all.push_back(field("layers", layers, "number of layers").range(1, 64));
  all.push_back(field("width", width, "model width D").range(1, 4096));
  all.push_back(field("heads", heads, "heads H; must divide width").range(1, 256));
  all.push_back(choice("norm", norm, {"post", "pre"}, "where LayerNorm stands in a layer"));
  all.push_back(choice("position", position, {"none", "learned", "rope"},
                       "position information; learned cannot be scored beyond task.length"));
  all.push_back(choice("gate", gate, {"input", "constant", "none"},
                       "decay gate: from the input, one constant a head, or none"));
  all.push_back(
      field("short_conv", short_conv, "taps of the causal convolution; 0: none").range(0, 64));
  all.push_back(
      field("mlp", mlp, "hidden width of the MLP block, in units of width; 0: none").range(0, 16));
  all.push_back(field("lambda_hidden", lambda_hidden,
                      "hidden units of the lambda MLP (adaptive-decay, softmax-level)")
                    .range(1, 4096));
  all.push_back(
      field("chunk", chunk, "tokens a chunk of the chunkwise form; a power of two").range(2, 1024));
  all.push_back(
      choice("init", init, {"published", "identity"},
             "initial weights; identity starts lambda at 1 (adaptive-decay, fixed-decay)"));
  all.push_back(
      choice("first_layer", first_layer, {"ids", "rows"},
             "how a first layer that sees token ids alone is computed: by id, which takes "
             "fewer operations, or by row; exact either way, but last bits differ"));
  return all;
}

bool ModelSettings::first_layer_by_id(std::int64_t vocab) const noexcept {
  // A token's products, against those of its chunk, the states that it reads, and W_o.
  const bool pays = heads * vocab <= chunk + 2 * width;
  return first_layer == FirstLayer::kIds && savings && form == Form::kFastest && layers > 1 &&
         position == Position::kNone && short_conv == 0 && pays;
}

void ModelSettings::validate(std::string_view variant) const {
  if (width % heads != 0) {
    throw FieldError("heads",
                     fmt::format("= {} does not divide width = {}; choose a divisor of the "
                                 "width",
                                 heads, width));
  }
  if (position == Position::kRope && (width / heads) % 2 != 0) {
    throw FieldError("position", fmt::format("= rope rotates pairs of columns, but a head has "
                                             "width/heads = {} of them; make that even",
                                             width / heads));
  }
  if (!std::has_single_bit(static_cast<std::uint64_t>(chunk))) {
    throw FieldError("chunk", fmt::format("= {} is not a power of two; use e.g. 64", chunk));
  }
  const MixerEntry* mixer = find_mixer(variant);
  if (init == Init::kIdentity && mixer != nullptr && !mixer->identity_init) {
    throw FieldError("init",
                     fmt::format("= identity is not defined for {}; give it to adaptive-decay "
                                 "or fixed-decay alone, in the list of variants",
                                 variant));
  }
}

}  // namespace recollect
