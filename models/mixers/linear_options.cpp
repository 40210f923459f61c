#include "models/mixers/linear_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.hpp"

namespace recollect {

namespace {

Fields declared(LinearOptions& options) {
  auto& [update, beta_max, qk_norm, qkv_conv, value_scale, skip, output, key_width, value_width] =
      options;
  Fields all;
  all.push_back(choice("update", update, {"additive", "delta"},
                       "how a state takes up a token: it adds it, or by the delta rule first "
                       "forgets what it has under the token's key"));
  all.push_back(field("beta_max", beta_max,
                      "update: delta: largest share of the old value that is erased; above 1 it "
                      "changes sign, which state tracking needs")
                    .range(1, 2));
  all.push_back(
      choice("qk_norm", qk_norm, {"none", "l2"}, "queries and keys of length 1, in each head"));
  all.push_back(field("qkv_conv", qkv_conv,
                      "taps of a depthwise causal convolution of q, k and v each, with silu after "
                      "it; 0: none")
                    .range(0, 64));
  all.push_back(choice("value_scale", value_scale, {"none", "dt"},
                       "values times the step size dt of the gate (Mamba-2)"));
  all.push_back(field("skip", skip, "a learned share of a token's value is added to its output"));
  all.push_back(choice("output", output, {"plain", "rms", "rms-gate", "gate-rms"},
                       "norm and gate between the core and W_o: none, an RMS norm of each head, "
                       "the same times a gate of the input, the gate first"));
  all.push_back(
      field("key_width", key_width, "columns of a head's queries and keys; 0: width / heads")
          .range(0, 4096));
  all.push_back(field("value_width", value_width, "columns of a head's values; 0: width / heads")
                    .range(0, 4096));
  return all;
}

}  // namespace

Field chunk_field(std::int64_t& chunk) {
  return field("chunk", chunk, "tokens a chunk of the chunkwise form; a power of two")
      .range(2, 1024);
}

void expect_chunk(std::int64_t chunk) {
  if (std::has_single_bit(static_cast<std::uint64_t>(chunk))) return;
  throw FieldError("chunk", fmt::format("= {} is not a power of two; use e.g. 64", chunk));
}

Fields LinearOptions::fields(const LinearOptions& usual,
                             const std::vector<std::string_view>& without) {
  Fields own = declared(*this);
  LinearOptions named = usual;
  LinearOptions common;
  const Fields at_name = declared(named);
  const Fields at_default = declared(common);
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i].implied = at_name[i].text();
    own[i].set_by_name = at_name[i].text() != at_default[i].text();
  }
  std::erase_if(own, [&](const Field& option) {
    return std::find(without.begin(), without.end(), option.name) != without.end();
  });
  return own;
}

void LinearOptions::validate(Gate gate) const {
  if (beta_max != 1 && update != Update::kDelta) {
    throw FieldError("beta_max",
                     "is above 1, which belongs to update: delta; leave it out, or give it to "
                     "variants with that update alone");
  }
  if (value_scale == ValueScale::kDt && gate == Gate::kNone) {
    throw FieldError("value_scale",
                     "= dt multiplies the values by the gate's step size, but gate is none; set "
                     "gate to input or constant, or value_scale to none");
  }
}

}  // namespace recollect
