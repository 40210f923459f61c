#include "models/layer_inspection.hpp"

#include <algorithm>

#include "math/fenwick.hpp"
#include "math/portable_math.hpp"

namespace recollect {
namespace {

/// (T, H width) as (H, T, width).
template <class S>
std::vector<double> by_head(ConstView<S> m, Index heads) {
  std::vector<double> all;
  all.reserve(static_cast<std::size_t>(m.size()));
  const Index width = m.cols() / heads;
  for (Index h = 0; h < heads; ++h) {
    for (Index t = 0; t < m.rows(); ++t) {
      for (const S value :
           m.row(t).subspan(static_cast<std::size_t>(h * width), static_cast<std::size_t>(width))) {
        all.push_back(static_cast<double>(value));
      }
    }
  }
  return all;
}

template <class S>
std::vector<double> copied(const S* values, Index count) {
  return values == nullptr ? std::vector<double>() : std::vector<double>(values, values + count);
}

/// Scores into probabilities, of the last `window` alone where there is a window.
void softmax(std::vector<double>& row, std::size_t window) {
  const std::size_t hidden = window > 0 && window < row.size() ? row.size() - window : 0;
  const auto begin = row.begin() + static_cast<std::ptrdiff_t>(hidden);
  std::fill(row.begin(), begin, 0.0);
  const double largest = *std::max_element(begin, row.end());
  double sum = 0.0;
  for (auto value = begin; value != row.end(); ++value) {
    sum += * value = portable::exp(*value - largest);
  }
  for (auto value = begin; value != row.end(); ++value) *value /= sum;
}

}  // namespace

std::vector<double> LayerInspection::attention_row(std::size_t h, std::size_t t) const {
  if (attention == AttentionKind::kNone) return {};
  std::vector<double> row(t + 1);
  const auto product = [&](const std::vector<double>& a, std::size_t at, std::size_t s) {
    double sum = 0.0;
    for (std::size_t i = 0; i < key_width; ++i) {
      sum += a[(h * tokens + at) * key_width + i] * k[(h * tokens + s) * key_width + i];
    }
    return sum;
  };
  for (std::size_t s = 0; s <= t; ++s) row[s] = product(q, t, s);
  if (attention == AttentionKind::kDelta) {
    // Substitution from the right: what later tokens erase, earlier ones do not give.
    for (std::size_t s = t + 1; s-- > 0;) {
      for (std::size_t r = s + 1; r <= t; ++r) row[s] -= row[r] * product(k, r, s);
      row[s] *= beta[h * tokens + s];
    }
  }
  double between = 0.0;  // log of the decay from s to t
  for (std::size_t s = t + 1; s-- > 0;) {
    double& weight = row[s];
    if (attention == AttentionKind::kSoftmax) {
      weight *= scale;
      continue;
    }
    weight *= portable::exp(between);
    if (levels > 0) {
      const auto place = static_cast<std::size_t>(
          level_column(level(static_cast<std::int64_t>(t), static_cast<std::int64_t>(s)),
                       static_cast<std::ptrdiff_t>(levels)));
      weight *= lambda[(h * tokens + t) * levels + place];
    }
    if (!gate.empty()) between += gate[h * tokens + s];
  }
  if (attention == AttentionKind::kSoftmax) softmax(row, window);
  return row;
}

template <class S>
LayerInspection inspection_of(const MixerView<S>& view, Index tokens) {
  LayerInspection layer;
  layer.tokens = static_cast<std::size_t>(tokens);
  if (view.heads == 0) return layer;
  layer.heads = static_cast<std::size_t>(view.heads);
  if (view.lambda.cols() > 0) {
    layer.levels = static_cast<std::size_t>(view.lambda.cols() / view.heads);
    layer.lambda = by_head<S>(view.lambda, view.heads);
  }
  layer.gate = copied(view.gate, view.heads * tokens);
  layer.beta = copied(view.beta, view.heads * tokens);
  layer.attention = view.attention;
  if (view.attention == AttentionKind::kNone) return layer;
  layer.key_width = static_cast<std::size_t>(view.q.cols() / view.heads);
  layer.q = by_head<S>(view.q, view.heads);
  layer.k = by_head<S>(view.k, view.heads);
  layer.scale = static_cast<double>(view.scale);
  layer.window = static_cast<std::size_t>(view.window);
  return layer;
}

template LayerInspection inspection_of<float>(const MixerView<float>&, Index);
template LayerInspection inspection_of<double>(const MixerView<double>&, Index);

}  // namespace recollect
