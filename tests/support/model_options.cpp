#include "tests/support/model_options.hpp"

namespace recollect {

std::vector<ModelSettings> all_options(const MixerEntry& entry, const ModelSettings& plain) {
  std::vector<ModelSettings> all = {plain};
  const std::size_t options = ModelSettings(plain).fields().size();
  for (std::size_t i = 0; i < options; ++i) {
    ModelSettings probe = plain;
    const Field declared = probe.fields()[i];
    if (const auto* choice = std::get_if<ChoiceRef>(&declared.value)) {
      for (int value = 0; value < static_cast<int>(choice->names.size()); ++value) {
        ModelSettings one = plain;
        const Fields mine = one.fields();
        std::get<ChoiceRef>(mine[i].value).set(value);
        if (one.init == Init::kIdentity && !entry.identity_init) continue;
        all.push_back(one);
      }
    } else if (declared.name != "width" && declared.name != "chunk") {
      ModelSettings one = plain;
      const Fields mine = one.fields();
      *std::get<std::int64_t*>(mine[i].value) = declared.name == "short_conv" ? 3 : 2;
      all.push_back(one);
    }
  }
  ModelSettings rich = plain;
  rich.norm = Norm::kPre;
  rich.short_conv = 2;
  rich.mlp = 2;
  rich.heads = 2;
  rich.position = Position::kRope;
  all.push_back(rich);
  rich.norm = Norm::kPost;
  rich.position = Position::kLearned;
  all.push_back(rich);
  return all;
}

std::string describe(ModelSettings settings) {
  std::string text;
  for (const Field& field : settings.fields()) text += field.name + "=" + field.text() + " ";
  return text;
}

}  // namespace recollect
