#include "models/mixers/softmax_settings.hpp"

#include "base/error.hpp"

namespace recollect {

Fields SoftmaxSettings::fields() {
  Fields all;
  all.push_back(field("window", window,
                      "softmax attention: keys that a token sees, itself included; 0: all up to "
                      "itself")
                    .range(0, std::int64_t{1} << 24)
                    .implied_at(std::to_string(usual_window_)));
  all.back().set_by_name = usual_window_ != 0;
  for (Field& each : around.fields({}, {"update", "beta_max", "value_scale"})) {
    all.push_back(std::move(each));
  }
  return all;
}

void SlidingWindowSettings::rules(const ModelSettings&) const {
  if (window == 0) {
    throw FieldError("window",
                     "= 0: sliding-window needs a window of 1 or more; full-quadratic "
                     "sees all keys");
  }
}

}  // namespace recollect
