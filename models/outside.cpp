#include "models/outside.hpp"

#include "base/error.hpp"
#include "models/registry.hpp"

namespace recollect {
namespace {

class OutsideSettings final : public MixerSettingsOf<OutsideSettings> {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return kOutside; }

  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make_layer(const LayerContext&, ParameterLayout&) const {
    throw ConfigError(
        "variant outside is another program's model: its predictions were scored, and there is "
        "nothing to build; give the configuration of a variant of this program");
  }
};

}  // namespace

const MixerSettings& outside_settings() {
  static const OutsideSettings settings;
  return settings;
}

std::unique_ptr<MixerSettings> settings_of_variant(std::string_view name) {
  return name == kOutside ? outside_settings().clone() : mixer_settings(name);
}

}  // namespace recollect
