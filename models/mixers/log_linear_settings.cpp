#include "models/mixers/log_linear_settings.hpp"

#include "models/choose_path.hpp"
#include "models/level_weights/fixed.hpp"
#include "models/level_weights/linear.hpp"
#include "models/level_weights/mlp.hpp"
#include "models/level_weights/unit.hpp"

namespace recollect {

Fields LogLinearSettings::fields() {
  Fields all;
  all.push_back(choice("gate", gate, {"input", "constant", "none"},
                       "decay gate: from the input, one constant a head, or none"));
  if (usual_gate_ != Gate::kInput) {
    Gate usual = usual_gate_;
    all.back().implied = choice("gate", usual, {"input", "constant", "none"}, "").text();
    all.back().set_by_name = true;
  }
  all.push_back(chunk_field(chunk));
  all.push_back(
      choice("first_layer", first_layer, {"ids", "rows"},
             "how a first layer that sees token ids alone is computed: by id, which takes "
             "fewer operations, or by row; exact either way, but last bits differ"));
  for (Field& each : around.fields(usual_)) all.push_back(std::move(each));
  for (Field& each : gate_start.fields(usual_gate_ == Gate::kNone)) all.push_back(std::move(each));
  return all;
}

void LogLinearSettings::rules(const ModelSettings&) const {
  expect_chunk(chunk);
  around.validate(gate);
  gate_start.validate(gate);
}

std::string_view LogLinearSettings::first_layer_path(const ModelSettings& model,
                                                     std::int64_t vocab) const {
  const bool sees_ids_alone = is_plain() && model.layers > 1 && model.position == Position::kNone &&
                              model.short_conv == 0 && model.embedding_dropout == 0.0;
  const bool ids = first_layer == FirstLayerPath::kIds && sees_ids_alone &&
                   choose_path::by_id_pays(vocab, model.heads, chunk, model.width);
  return ids ? "ids" : "";
}

LogLinearCore LogLinearSettings::core(const LayerContext& context) const {
  // By id is a way of the fastest form; the others stay what they are, to be compared with.
  const bool by_id = context.execution.form == Form::kFastest &&
                     first_layer_path(context.model, context.vocab) == "ids";
  return LogLinearCore{gate, gate_start, chunk, by_id};
}

Fields MlpLevelSettings::fields() {
  Fields all = LogLinearSettings::fields();
  all.push_back(field("lambda_hidden", lambda_hidden, "hidden units of the MLP that makes lambda")
                    .range(1, 4096));
  return all;
}

template <class S>
std::unique_ptr<Mixer<S>> FixedLevelSettings::make_layer(const LayerContext& context,
                                                         ParameterLayout& layout) const {
  return layer<S>(context, layout, [](const LevelContext& levels, ParameterLayout& tensors) {
    return std::make_unique<FixedLevelWeights<S>>(levels, tensors);
  });
}

template <class S>
std::unique_ptr<Mixer<S>> LinearLevelSettings::make_layer(const LayerContext& context,
                                                          ParameterLayout& layout) const {
  return layer<S>(context, layout, [](const LevelContext& levels, ParameterLayout& tensors) {
    return std::make_unique<LinearLevelWeights<S>>(levels, tensors);
  });
}

template <class S>
std::unique_ptr<Mixer<S>> AdaptiveLevelSettings::make_layer(const LayerContext& context,
                                                            ParameterLayout& layout) const {
  return layer<S>(context, layout, [this](const LevelContext& levels, ParameterLayout& tensors) {
    return std::make_unique<MlpLevelWeights<S>>(levels, lambda_hidden, LevelOutput::kSoftplus,
                                                tensors);
  });
}

template <class S>
std::unique_ptr<Mixer<S>> SoftmaxLevelWeightSettings::make_layer(const LayerContext& context,
                                                                 ParameterLayout& layout) const {
  return layer<S>(context, layout, [this](const LevelContext& levels, ParameterLayout& tensors) {
    return std::make_unique<MlpLevelWeights<S>>(levels, lambda_hidden, LevelOutput::kSoftmax,
                                                tensors);
  });
}

template <class S>
std::unique_ptr<Mixer<S>> UnitLevelSettings::make_layer(const LayerContext& context,
                                                        ParameterLayout& layout) const {
  return layer<S>(context, layout, [](const LevelContext&, ParameterLayout&) {
    return std::make_unique<UnitLevelWeights<S>>();
  });
}

template std::unique_ptr<Mixer<float>> FixedLevelSettings::make_layer<float>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<double>> FixedLevelSettings::make_layer<double>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<float>> LinearLevelSettings::make_layer<float>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<double>> LinearLevelSettings::make_layer<double>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<float>> AdaptiveLevelSettings::make_layer<float>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<double>> AdaptiveLevelSettings::make_layer<double>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<float>> SoftmaxLevelWeightSettings::make_layer<float>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<double>> SoftmaxLevelWeightSettings::make_layer<double>(
    const LayerContext&, ParameterLayout&) const;
template std::unique_ptr<Mixer<float>> UnitLevelSettings::make_layer<float>(const LayerContext&,
                                                                            ParameterLayout&) const;
template std::unique_ptr<Mixer<double>> UnitLevelSettings::make_layer<double>(
    const LayerContext&, ParameterLayout&) const;

}  // namespace recollect
