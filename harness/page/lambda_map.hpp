#pragma once

#include <string>
#include <vector>

namespace recollect::page {

/// How far one layer's weights of levels depend on the input: near 0 they are in effect constant.
struct LambdaIndex {
  std::string layer;   ///< "layer 1"
  double index = 0.0;  ///< 0..1
};

/// A map of the weights of levels of one trained cell, ready to be shown.
struct LambdaMap {
  std::string variant;  ///< as plot::Named has it
  std::string label;
  std::string title;
  std::string svg;  ///< a whole picture, its texts escaped; shown as it is
  std::string caption;
  std::vector<LambdaIndex> indices;
};

}  // namespace recollect::page
