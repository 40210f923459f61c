#include "models/mixer_settings.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace recollect {
namespace {

void expect_heads(const ModelSettings& model, const HeadWidths& widths) {
  if (widths.none) return;
  if (model.width % model.heads != 0 && (widths.keys == 0 || widths.values == 0)) {
    throw FieldError(
        "heads",
        fmt::format(
            "= {} does not divide width = {}; choose a divisor of the "
            "width{}",
            model.heads, model.width,
            widths.keys == 0 && widths.values == 0 ? "" : ", or give key_width and value_width"));
  }
  if (model.position != Position::kRope) return;
  if (widths.keys > 0 && widths.keys % 2 != 0) {
    throw FieldError("position",
                     fmt::format("= rope rotates pairs of columns; a head's {} key columns are odd",
                                 widths.keys));
  }
  if (widths.keys == 0 && (model.width / model.heads) % 2 != 0) {
    throw FieldError("position", fmt::format("= rope rotates pairs of columns, but a head has "
                                             "width/heads = {} of them; make that even",
                                             model.width / model.heads));
  }
}

}  // namespace

void MixerSettings::validate(const ModelSettings& model) const {
  expect_heads(model, head_widths());
  if (model.init == Init::kIdentity && !identity_init()) {
    throw FieldError("init", identity_init_error(name()));
  }
  rules(model);
}

}  // namespace recollect
