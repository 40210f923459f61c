#include "models/registry.hpp"

#include <array>

#include "models/level_weights/fixed.hpp"
#include "models/level_weights/linear.hpp"
#include "models/level_weights/mlp.hpp"
#include "models/level_weights/unit.hpp"
#include "models/attention/full_quadratic.hpp"
#include "models/linear_attention/log_linear_mixer.hpp"

namespace recollect {
namespace {

template <class S>
std::unique_ptr<Lambda<S>> fixed(const LambdaContext& context, ParameterLayout& layout) {
  return std::make_unique<FixedLambda<S>>(context, layout);
}
template <class S>
std::unique_ptr<Lambda<S>> linear(const LambdaContext& context, ParameterLayout& layout) {
  return std::make_unique<LinearLambda<S>>(context, layout);
}
template <class S>
std::unique_ptr<Lambda<S>> adaptive(const LambdaContext& context, ParameterLayout& layout) {
  return std::make_unique<MlpLambda<S>>(context, LevelOutput::kSoftplus, layout);
}
template <class S>
std::unique_ptr<Lambda<S>> softmax_level(const LambdaContext& context, ParameterLayout& layout) {
  return std::make_unique<MlpLambda<S>>(context, LevelOutput::kSoftmax, layout);
}
template <class S>
std::unique_ptr<Lambda<S>> unit(const LambdaContext&, ParameterLayout&) {
  return std::make_unique<UnitLambda<S>>();
}

template <class S, std::unique_ptr<Lambda<S>> (*kLambda)(const LambdaContext&, ParameterLayout&)>
std::unique_ptr<Mixer<S>> log_linear(const MixerContext& context, ParameterLayout& layout) {
  return std::make_unique<LogLinearMixer<S>>(context, layout, kLambda);
}
template <class S>
std::unique_ptr<Mixer<S>> full_quadratic(const MixerContext& context, ParameterLayout& layout) {
  return std::make_unique<FullQuadratic<S>>(context, layout);
}

constexpr std::array kMixers{
    MixerEntry{"fixed-decay",
               "log-linear attention, one learned weight a level, whatever the input",
               "lambda_hidden", true, true, &log_linear<float, fixed<float>>,
               &log_linear<double, fixed<double>>},
    MixerEntry{"linear-decay",
               "log-linear attention, level weights linear in the input (2506.04761)",
               "lambda_hidden", true, false, &log_linear<float, linear<float>>,
               &log_linear<double, linear<double>>},
    MixerEntry{"adaptive-decay", "log-linear attention, level weights from an MLP (2605.06946)", "",
               true, true, &log_linear<float, adaptive<float>>,
               &log_linear<double, adaptive<double>>},
    MixerEntry{"softmax-level", "the same MLP with a softmax over levels: they compete", "", true,
               false, &log_linear<float, softmax_level<float>>,
               &log_linear<double, softmax_level<double>>},
    MixerEntry{"gated-linear", "gated linear attention: no levels, one state", "lambda_hidden",
               false, false, &log_linear<float, unit<float>>, &log_linear<double, unit<double>>},
    MixerEntry{"full-quadratic", "causal softmax attention, the quadratic reference",
               "lambda_hidden gate chunk first_layer", false, false, &full_quadratic<float>,
               &full_quadratic<double>},
};

}  // namespace

template <>
std::unique_ptr<Mixer<float>> MixerEntry::make<float>(const MixerContext& context,
                                                      ParameterLayout& layout) const {
  return make_float(context, layout);
}
template <>
std::unique_ptr<Mixer<double>> MixerEntry::make<double>(const MixerContext& context,
                                                        ParameterLayout& layout) const {
  return make_double(context, layout);
}

bool MixerEntry::uses(std::string_view option) const noexcept {
  const std::string_view& unused = unused_options;
  for (std::size_t at = unused.find(option); at != unused.npos; at = unused.find(option, at + 1)) {
    const std::size_t end = at + option.size();
    if ((at == 0 || unused[at - 1] == ' ') && (end == unused.size() || unused[end] == ' ')) {
      return false;
    }
  }
  return true;
}

std::span<const MixerEntry> mixers() noexcept { return kMixers; }

const MixerEntry* find_mixer(std::string_view name) noexcept {
  for (const MixerEntry& entry : kMixers) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::vector<std::string> mixer_names() {
  std::vector<std::string> names;
  for (const MixerEntry& entry : kMixers) names.emplace_back(entry.name);
  return names;
}

}  // namespace recollect
