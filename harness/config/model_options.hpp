#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.hpp"
#include "models/mixer_settings.hpp"
#include "models/settings.hpp"

namespace recollect {

struct VariantSettings;

/// The option that says how a first layer is computed, which is no property of the model.
inline constexpr std::string_view kFirstLayer = "first_layer";

/// The options of a model with one mixer, bound to both objects, in the order in which files and
/// tables list them.
[[nodiscard]] Fields model_fields(ModelSettings& model, MixerSettings& mixer);

/// Everything that `model:` may say: the options around the mixers, and those of every variant. An
/// option that several mixers declare is one option here.
class ModelOptions {
 public:
  ModelOptions();
  ModelOptions(const ModelOptions& other);
  ModelOptions& operator=(const ModelOptions& other);
  ModelOptions(ModelOptions&&) noexcept = default;
  ModelOptions& operator=(ModelOptions&&) noexcept = default;
  ~ModelOptions() = default;

  ModelSettings model;

  /// All options, in the order of files. Valid while the object lives.
  [[nodiscard]] Fields fields();
  /// Gives what was read into fields() to every mixer that declares it, but for what a variant's
  /// name sets. Called after reading the section `model`.
  void share();
  /// Gives one option to one variant, whatever its name sets. Called after reading its own map.
  void give(std::string_view variant, std::string_view option);
  /// The options of one variant. @param name  of a registered one
  [[nodiscard]] const MixerSettings& mixer(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<MixerSettings>> mixers_;  // in the order of the registry
};

/// Whether the variant's name sets the option to something else than the common default, so that
/// what `model:` says does not reach it.
[[nodiscard]] bool name_sets_option(std::string_view variant, std::string_view option);

/// Whether a variant has an option, for its own map; "true" where no variant has that name.
[[nodiscard]] bool has_model_option(std::string_view variant, std::string_view option);
/// "; it belongs to gla, mamba-2": the variants that have an option which not every configuration
/// lists, the first few where they are many; "" for the others.
[[nodiscard]] std::string where_it_belongs(std::string_view option);
/// Whether what `model:` says of an option reaches a variant: it has the option, and its name does
/// not set it.
[[nodiscard]] bool model_option_applies(std::string_view variant, std::string_view option);

/// Whether every configuration lists the option, also where its variants have no use for it. Others
/// are listed where a variant has them, so that a new variant changes no configuration but its own.
[[nodiscard]] bool is_always_listed(std::string_view option);

/// The name and value of each option as tables list them: what every variant of the first release
/// had is a column of all rows (where a variant has no use for it, what `model:` says), others
/// where a variant has them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> option_texts(
    const VariantSettings& variant);

/// "width=128 norm=pre": the options that are not at their default.
[[nodiscard]] std::string options_text(const VariantSettings& variant);

}  // namespace recollect
