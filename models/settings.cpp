#include "models/settings.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace recollect {

Fields ModelSettings::fields() {
  Fields all;
  all.push_back(field("layers", layers, "number of layers").range(1, 64));
  all.push_back(field("width", width, "model width D").range(1, 4096));
  all.push_back(
      field("heads", heads, "heads H; must divide width unless key_width and value_width are given")
          .range(1, 256));
  all.push_back(choice("norm", norm, {"post", "pre"}, "where the norm stands in a layer"));
  all.push_back(choice("position", position, {"none", "learned", "rope"},
                       "position information; learned cannot be scored beyond task.length"));
  all.push_back(
      field("short_conv", short_conv, "taps of the causal convolution; 0: none").range(0, 64));
  all.push_back(
      field("mlp", mlp, "hidden width of the MLP block, in units of width; 0: none").range(0, 16));
  all.push_back(choice(
      "init", init, {"published", "identity", "uniform"},
      "initial weights; identity starts lambda at 1, where it is fixed or an MLP with "
      "softplus makes it; uniform draws the matrices of the layers as PyTorch's Linear does"));
  all.push_back(choice("norm_kind", norm_kind, {"layer", "rms"},
                       "every norm of the blocks and the final one: LayerNorm, or by the root mean "
                       "square alone, without bias")
                    .implied_at("layer"));
  all.push_back(choice("mlp_kind", mlp_kind, {"gelu", "swiglu"},
                       "MLP block: W2 gelu(W1 x), or W2 (silu(W1 x) * W3 x)")
                    .implied_at("gelu"));
  all.push_back(field("tied_head", tied_head, "the embedding is the head, too: logits = E norm(x)")
                    .implied_at("false"));
  all.push_back(field("embedding_dropout", embedding_dropout,
                      "share of the numbers entering the first layer that a training step leaves "
                      "out; scoring sees all")
                    .below(0, 1)
                    .implied_at("0"));
  all.push_back(field("pattern", pattern,
                      "what stands in the layers, repeated over them: `variant`, the name of a "
                      "mixer, or a map of a name and the mixer's own options")
                    .implied_at("[variant]"));
  return all;
}

void ModelSettings::validate() const {
  // What must hold of heads and positions depends on the mixer.
  if (mlp_kind != MlpKind::kGelu && mlp == 0) {
    throw FieldError("mlp_kind", "= swiglu needs an MLP block; give mlp, e.g. 2, or leave it out");
  }
}

double output_deviation(const ModelSettings& model) noexcept {
  return kInitialDeviation / std::sqrt(2.0 * static_cast<double>(model.layers));
}

}  // namespace recollect
