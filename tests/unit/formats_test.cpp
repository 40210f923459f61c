// docs/formats.md names every tensor that a model can have.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/train/cell_model.hpp"
#include "models/registry.hpp"
#include "tests/support/config_errors.hpp"
#include "tests/support/places.hpp"

namespace recollect {
namespace {

/// The tensors of a variant with these options, without the layer in front.
void add_tensors(const std::string& variant, const std::string& options,
                 std::set<std::string>& names) {
  const Experiment experiment =
      parse_experiment(fmt::format("task: {{name: mqar, length: 32, pairs: 3, vocab: 24}}\n"
                                   "variants: [{{name: {}, label: x{}}}]\n",
                                   variant, options),
                       "x.yaml");
  const SequenceModel<float> model = model_sizes(experiment.cells.front());
  for (const ParameterInfo& info : model.layout().all()) {
    const std::size_t layer = info.name.starts_with("layers.") ? info.name.find('.', 7) + 1 : 0;
    names.insert(info.name.substr(layer));
  }
}

TEST_CASE("formats: docs/formats.md lists every tensor of every variant and option") {
  std::set<std::string> names;
  for (const MixerEntry& entry : mixers()) add_tensors(std::string(entry.name), "", names);
  for (const char* options :
       {", mlp: 2", ", mlp: 2, mlp_kind: swiglu", ", mlp: 2, norm_kind: rms", ", short_conv: 4",
        ", position: learned", ", tied_head: true", ", update: delta", ", qkv_conv: 4",
        ", skip: true", ", output: rms", ", output: rms-gate", ", output: gate-rms",
        ", gate: constant", ", gate: none"}) {
    add_tensors("adaptive-decay", options, names);
  }
  CHECK(names.size() > 35);
  const std::string page = read_file(source_folder() / "docs" / "formats.md");
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(contains(page, "`" + name + "`"));
  }
}

}  // namespace
}  // namespace recollect
