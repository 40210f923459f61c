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
  return all;
}

void ModelSettings::validate() const {
  // None yet: what must hold of heads and positions depends on the mixer.
}

double output_deviation(const ModelSettings& model) noexcept {
  return kInitialDeviation / std::sqrt(2.0 * static_cast<double>(model.layers));
}

}  // namespace recollect
