// A model that is scored at every position, as a language model is, beside the sum of its parts:
// each part alone on the same sequence, forwards and backwards, on one thread.
//   ./bench-every-position [VARIANT [LENGTH]]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/train/cell_model.hpp"
#include "math/buffer.hpp"
#include "math/rng.hpp"
#include "math/workspace.hpp"
#include "models/block.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"
#include "models/segment.hpp"
#include "models/sequence_model.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 256;

struct Measured {
  std::string name;
  double seconds = 0.0;
  double bytes = 0.0;  // of the workspace, at most
};

/// The fastest of seven runs, after one.
template <class Body>
double seconds_of(const Body& body) {
  body();
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::min(best, taken.count());
  }
  return best;
}

Buffer<float> normal_numbers(std::size_t count, std::uint64_t seed) {
  Rng rng(1, Stream::kInit, seed);
  Buffer<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(rng.normal());
  return numbers;
}

/// A text of bytes, and the positions that are scored: all.
struct Text {
  std::vector<std::int32_t> ids, positions, labels;
  explicit Text(std::int64_t length) : positions(static_cast<std::size_t>(length)) {
    Rng rng(1, Stream::kTrain, 0);
    for (std::int64_t t = 0; t <= length; ++t) ids.push_back(rng.between(0, kVocab - 1));
    labels.assign(ids.begin() + 1, ids.end());
    ids.pop_back();
    std::iota(positions.begin(), positions.end(), 0);
  }
  [[nodiscard]] std::int64_t length() const { return std::ssize(ids); }
};

Measured whole_model(const Cell& cell, const Text& text) {
  SequenceModel<float> model({cell.variant.model, *cell.variant.mixer, {}}, kVocab, text.length(),
                             cell.levels);
  model.initialise(1);
  model.begin_step({text.length(), text.length()});
  Buffer<float> gradient(model.gradient_size(text.length()));
  Workspace<float> workspace;
  const float scale = 1.0F / static_cast<float>(text.length());
  const double seconds = seconds_of([&] {
    (void)model.forward_backward({text.ids, text.positions, text.labels}, scale, workspace,
                                 gradient);
  });
  return {"the model", seconds, static_cast<double>(workspace.peak_bytes())};
}

Measured embedding_alone(const Cell& cell, const Text& text) {
  const Index width = cell.variant.model.width;
  const Embedding embedding{Tensor{0, kVocab, width}};
  Buffer<float> theta = normal_numbers(static_cast<std::size_t>(kVocab * width), 1);
  Buffer<float> gradient(theta.size());
  Buffer<float> x(static_cast<std::size_t>(text.length() * width));
  const View<float> all = view(x.data(), text.length(), width);
  const double seconds = seconds_of([&] {
    embedding.forward<float>(theta.data(), text.ids, all);
    embedding.backward<float>(gradient.data(), text.ids, all);
  });
  return {"embedding", seconds, static_cast<double>(x.size() * sizeof(float))};
}

Measured layer_alone(const Cell& cell, const Text& text) {
  const Index width = cell.variant.model.width;
  ParameterLayout layout;
  const LayerContext context{cell.variant.model, {}, cell.levels, "layers.0.", 0};
  Block<float> block(context, *cell.variant.mixer, layout);
  Buffer<float> theta(static_cast<std::size_t>(layout.size()));
  initialise<float>(layout, 1, theta);
  Buffer<float> gradient(theta.size());
  const auto size = static_cast<std::size_t>(text.length() * width);
  Buffer<float> x = normal_numbers(size, 2);
  const Buffer<float> d = normal_numbers(size, 3);
  Buffer<float> out(size), d_out(size), dx(size);
  block.begin_step(theta.data(), {text.length(), text.length()});
  Workspace<float> workspace;
  std::vector<const Block<float>::Tape*> tapes;
  const double seconds = seconds_of([&] {
    const Workspace<float>::Scope scope(workspace);
    tapes.clear();
    std::copy(d.begin(), d.end(), d_out.begin());  // which backward() changes
    const auto carry = block.begin({text.length(), text.length(), true}, {}, nullptr, workspace);
    const auto input = [&](Index first) {
      const Index count = std::min<Index>(kSegment, text.length() - first);
      return Block<float>::Input{count, x.data() + first * width, {}, {}};
    };
    const auto queries = [&](Index first) {
      return Queries{std::span(text.positions)
                         .subspan(static_cast<std::size_t>(first),
                                  static_cast<std::size_t>(input(first).tokens)),
                     true};
    };
    Index first = 0;
    for (; first < text.length(); first += kSegment) {
      tapes.push_back(block.forward(theta.data(), input(first), queries(first), carry,
                                    out.data() + first * width, workspace));
    }
    for (std::size_t i = tapes.size(); i-- > 0;) {
      first = static_cast<Index>(i) * kSegment;
      const Workspace<float>::Scope segment(workspace);
      (void)block.backward(theta.data(), gradient.data(), input(first), queries(first), *tapes[i],
                           carry, d_out.data() + first * width, dx.data() + first * width,
                           workspace);
    }
  });
  return {"a layer", seconds, static_cast<double>(workspace.peak_bytes())};
}

Measured read_out_alone(const Cell& cell, const Text& text) {
  const Index width = cell.variant.model.width;
  ParameterLayout layout;
  const RowNorm norm = add_norm(layout, "final_norm", width, cell.variant.model.norm_kind);
  const Linear head{
      layout.add_matrix("head.weight", kVocab, width, Fill::kNormal, kInitialDeviation)};
  Buffer<float> theta(static_cast<std::size_t>(layout.size()));
  initialise<float>(layout, 1, theta);
  Buffer<float> gradient(theta.size());
  Buffer<float> last = normal_numbers(static_cast<std::size_t>(text.length() * width), 4);
  PackedLinear<float> packed;
  packed.pack(head, theta.data());
  Workspace<float> workspace;
  const double seconds = seconds_of([&] {
    for (Index first = 0; first < text.length(); first += kSegment) {
      const Workspace<float>::Scope scope(workspace);
      const Index count = std::min<Index>(kSegment, text.length() - first);
      const View<float> here = view(last.data() + first * width, count, width);
      const View<float> logits = workspace.matrix(count, kVocab);
      const View<float> normal = workspace.matrix(count, width);
      const View<float> final = workspace.matrix(count, width);
      const View<float> d = workspace.matrix(count, width);
      float* inverse_sd = workspace.take(count);
      norm.forward<float>(theta.data(), here, normal, inverse_sd, final);
      packed.forward(final, logits);
      (void)cross_entropy<float>(std::span(text.labels).subspan(static_cast<std::size_t>(first)),
                                 1e-3F, logits);
      head.backward<float>(theta.data(), gradient.data(), final, logits, d, Write::kOverwrite);
      norm.backward<float>(theta.data(), gradient.data(), normal, inverse_sd, d, d);
    }
  });
  return {"norm, head and cross-entropy", seconds, static_cast<double>(workspace.peak_bytes())};
}

void print(const Measured& measured, double tokens) {
  fmt::print("{:32} {:10.1f} {:10.1f}\n", measured.name, 1e9 * measured.seconds / tokens,
             measured.bytes / tokens);
}

void compare(const std::string& variant, std::int64_t length) {
  const Cell cell =
      parse_experiment(fmt::format("task: {{name: mqar, length: {}, pairs: 8}}\nvariants: [{}]\n",
                                   length, variant),
                       "bench.yaml")
          .cells.at(0);
  const Text text(length);
  const auto tokens = static_cast<double>(length);
  fmt::print("{}, T {}, D {}, {} layers, V {}, one thread\n{:32} {:>10} {:>10}\n", variant, length,
             cell.variant.model.width, cell.variant.model.layers, kVocab, "", "ns/token",
             "bytes/token");
  Measured sum{"sum of the parts"};
  const auto add = [&](const Measured& part, double times) {
    print(part, tokens);
    sum.seconds += times * part.seconds;
    sum.bytes += times * part.bytes;
  };
  add(embedding_alone(cell, text), 1.0);
  add(layer_alone(cell, text), static_cast<double>(cell.variant.model.layers));
  add(read_out_alone(cell, text), 1.0);
  // What each layer hands on, which the parts above keep elsewhere, and the gradient of the last.
  const auto layers = static_cast<double>(cell.variant.model.layers);
  sum.bytes +=
      (layers + 1.0) * sizeof(float) * tokens * static_cast<double>(cell.variant.model.width);
  print(sum, tokens);
  const Measured whole = whole_model(cell, text);
  print(whole, tokens);
  fmt::print("{:32} {:10.2f} {:10.2f}\n\n", "the model over the sum", whole.seconds / sum.seconds,
             whole.bytes / sum.bytes);
}

}  // namespace
}  // namespace recollect

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "linear-decay";
  recollect::compare(variant, argc > 2 ? std::atoll(argv[2]) : 4096);
}
