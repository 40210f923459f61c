#include "models/settings.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace recollect {

Fields ModelSettings::fields() {
  Fields all;
  all.push_back(field("layers", layers, "number of layers").range(1, 64));
  all.push_back(field("width", width, "model width D").range(1, 4096));
  all.push_back(field("heads", heads, "heads H; must divide width").range(1, 256));
  all.push_back(choice("norm", norm, {"post", "pre"}, "where LayerNorm stands in a layer"));
  all.push_back(choice("position", position, {"none", "learned", "rope"},
                       "position information; learned cannot be scored beyond task.length"));
  all.push_back(
      field("short_conv", short_conv, "taps of the causal convolution; 0: none").range(0, 64));
  all.push_back(
      field("mlp", mlp, "hidden width of the MLP block, in units of width; 0: none").range(0, 16));
  all.push_back(
      choice("init", init, {"published", "identity"},
             "initial weights; identity starts lambda at 1 (adaptive-decay, fixed-decay)"));
  all.push_back(field("pattern", pattern,
                      "what stands in the layers, repeated over them: `variant`, the name of a "
                      "mixer, or a map of a name and the mixer's own options")
                    .implied_at("[variant]"));
  return all;
}

void ModelSettings::validate() const {
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
}

double output_deviation(const ModelSettings& model) noexcept {
  return kInitialDeviation / std::sqrt(2.0 * static_cast<double>(model.layers));
}

}  // namespace recollect
