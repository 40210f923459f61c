#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fields.hpp"
#include "models/mixer.hpp"
#include "models/parameters.hpp"
#include "models/settings.hpp"

namespace recollect {

/// Columns of a head's keys and values, as a mixer's options give them; 0: width / heads.
struct HeadWidths {
  std::int64_t keys = 0;
  std::int64_t values = 0;
  bool none = false;  ///< the mixer has no heads
};

/// A variant is to the model what a task is to the data: its options, and how a layer is made of
/// them. A mixer declares the options that it uses, and no others reach it.
class MixerSettings {
 public:
  virtual ~MixerSettings() = default;

  /// The variant's name in a configuration.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Every option of its own, bound to this object. Valid while the object lives. An option that
  /// two mixers share (`chunk`) has one meaning, type and range.
  [[nodiscard]] virtual Fields fields() { return {}; }
  /// The rules between its options and the model's: those of heads, which all mixers have in
  /// common, and rules(). @throws FieldError naming the option to change
  void validate(const ModelSettings& model) const;
  /// Whether it weighs the levels of the Fenwick partition: longer sequences then meet levels that
  /// training never reached.
  [[nodiscard]] virtual bool has_levels() const noexcept { return false; }
  /// How its first layer is computed, where there is a choice that moves last bits; "" where not.
  /// It is one word of a cell's identity.
  [[nodiscard]] virtual std::string_view first_layer_path(const ModelSettings& model,
                                                          std::int64_t vocab) const {
    (void)model, (void)vocab;
    return "";
  }
  [[nodiscard]] virtual std::unique_ptr<MixerSettings> clone() const = 0;

  /// One layer's mixer, S float or double. Adds its tensors to the layout.
  template <class S>
  [[nodiscard]] std::unique_ptr<Mixer<S>> make(const LayerContext& context,
                                               ParameterLayout& layout) const;

 protected:
  /// The heads must divide the width unless both widths are given; rotary positions need an even
  /// number of key columns.
  [[nodiscard]] virtual HeadWidths head_widths() const noexcept { return {}; }
  /// Whether `init: identity` is defined: lambda starts at 1.
  [[nodiscard]] virtual bool identity_init() const noexcept { return false; }
  /// The rules of its own, beside those of heads and init. @throws FieldError
  virtual void rules(const ModelSettings& model) const { (void)model; }

  MixerSettings() = default;
  MixerSettings(const MixerSettings&) = default;
  MixerSettings& operator=(const MixerSettings&) = default;

 private:
  [[nodiscard]] virtual std::unique_ptr<Mixer<float>> make_float(const LayerContext& context,
                                                                 ParameterLayout& layout) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Mixer<double>> make_double(
      const LayerContext& context, ParameterLayout& layout) const = 0;
};

template <>
[[nodiscard]] inline std::unique_ptr<Mixer<float>> MixerSettings::make<float>(
    const LayerContext& context, ParameterLayout& layout) const {
  return make_float(context, layout);
}
template <>
[[nodiscard]] inline std::unique_ptr<Mixer<double>> MixerSettings::make<double>(
    const LayerContext& context, ParameterLayout& layout) const {
  return make_double(context, layout);
}

/// What is said of `init: identity` where a mixer has none.
[[nodiscard]] std::string identity_init_error(std::string_view variant);

/// What every settings class writes alike. `Own` derives from MixerSettingsOf<Own, Base> and has
///   template <class S> std::unique_ptr<Mixer<S>> make_layer(const LayerContext&, ParameterLayout&)
///   const;
template <class Own, class Base = MixerSettings>
class MixerSettingsOf : public Base {
 public:
  using Base::Base;
  [[nodiscard]] std::unique_ptr<MixerSettings> clone() const final {
    return std::make_unique<Own>(own());
  }

 private:
  [[nodiscard]] const Own& own() const { return static_cast<const Own&>(*this); }
  [[nodiscard]] std::unique_ptr<Mixer<float>> make_float(const LayerContext& context,
                                                         ParameterLayout& layout) const final {
    return own().template make_layer<float>(context, layout);
  }
  [[nodiscard]] std::unique_ptr<Mixer<double>> make_double(const LayerContext& context,
                                                           ParameterLayout& layout) const final {
    return own().template make_layer<double>(context, layout);
  }
};

}  // namespace recollect
