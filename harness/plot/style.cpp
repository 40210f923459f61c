#include "harness/plot/style.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <utility>

namespace recollect::plot {
namespace {

struct Known {
  const char* variant;
  VariantStyle style;
};

// In the order in which variants stand in pictures. The first six were chosen by search in OKLCH
// for distance between all pairs, also as protanopes, deuteranopes and tritanopes see them. The
// others repeat hue and marker of the way to make lambda, darker or lighter, and dash by family.
// Contrast 3:1 on either ground (text: 4.5:1).
const std::array<Known, 16>& known() {
  static const std::array<Known, 16> kKnown = {{
      {"fixed-decay",
       {{"#376BD0", "#7AA2EE"},
        {"#2F62C4", "#8FB2F2"},
        Marker::kCircle,
        Dash::kSolid,
        "λ learned, same for all tokens"}},
      {"linear-decay",
       {{"#2A9F92", "#2CCBBB"},
        {"#007D70", "#2CCBBC"},
        Marker::kTriangleUp,
        Dash::kSolid,
        "λ = softplus of a linear map"}},
      {"adaptive-decay",
       {{"#D15808", "#F0702A"},
        {"#C04800", "#F58548"},
        Marker::kDiamond,
        Dash::kSolid,
        "λ = softplus of an MLP"}},
      {"softmax-level",
       {{"#A40D7A", "#CF5FA6"},
        {"#A30C79", "#DE7DBA"},
        Marker::kSquare,
        Dash::kSolid,
        "λ = softmax over levels"}},
      {"gated-linear",
       {{"#564700", "#E3C04E"},
        {"#564700", "#E3C04E"},
        Marker::kTriangleDown,
        Dash::kSolid,
        "λ = 1: one state, no levels"}},
      {"full-quadratic",
       {{"#212532", "#E6EDF5"},
        {"#212532", "#E6EDF5"},
        Marker::kPentagon,
        Dash::kSolid,
        "causal softmax attention"}},
      {"gla",
       {{"#8C7620", "#B99A3A"},
        {"#7E6A1C", "#C2A446"},
        Marker::kTriangleDown,
        Dash::kSolid,
        "λ = 1: one state, a gate a channel"}},
      {"mamba-2",
       {{"#A08A2E", "#F2E2A6"},
        {"#7C6B22", "#F2E2A7"},
        Marker::kTriangleDown,
        Dash::kDotted,
        "λ = 1: one state, steps from the input"}},
      {"log-linear-mamba-2",
       {{"#1F8C80", "#46DCCB"},
        {"#0F7A6F", "#46DCCC"},
        Marker::kTriangleUp,
        Dash::kDotted,
        "Mamba-2 on levels, λ linear"}},
      {"adaptive-mamba-2",
       {{"#B34A0C", "#F58F52"},
        {"#AA4304", "#F59A62"},
        Marker::kDiamond,
        Dash::kDotted,
        "Mamba-2 on levels, λ from an MLP"}},
      {"deltanet",
       {{"#4E6B1E", "#A8C46B"},
        {"#4E6B1E", "#A8C46B"},
        Marker::kTriangleDown,
        Dash::kSolid,
        "λ = 1: delta rule, no gate"}},
      {"gated-deltanet",
       {{"#6F8F35", "#CBE08F"},
        {"#587327", "#CBE090"},
        Marker::kTriangleDown,
        Dash::kDashed,
        "λ = 1: delta rule with a gate"}},
      {"log-linear-deltanet",
       {{"#00756B", "#62F3E2"},
        {"#00756B", "#62F3E2"},
        Marker::kTriangleUp,
        Dash::kDashed,
        "gated delta rule, λ linear"}},
      {"adaptive-deltanet",
       {{"#993B00", "#FFA880"},
        {"#993B00", "#FFA880"},
        Marker::kDiamond,
        Dash::kDashed,
        "gated delta rule, λ from an MLP"}},
      {"sliding-window",
       {{"#6E7681", "#A9B1BC"},
        {"#666E79", "#A9B1BD"},
        Marker::kPentagon,
        Dash::kSolid,
        "softmax attention, last keys alone"}},
      {"gated-convolution",
       {{"#85665E", "#CDB0A8"},
        {"#7A5B53", "#CDB0A9"},
        Marker::kPentagon,
        Dash::kSolid,
        "short convolution times a gate"}},
  }};
  return kKnown;
}

const std::array<Ink, 4> kOthers = {{{"#1B87B8", "#63C3F0"},
                                     {"#6C55C8", "#A596F5"},
                                     {"#B4233A", "#F2788A"},
                                     {"#4A8A1F", "#93CF62"}}};
const std::array<Ink, 4> kOtherTexts = {{{"#146F99", "#63C3F1"},
                                         {"#6C55C9", "#A596F6"},
                                         {"#B4233B", "#F2788B"},
                                         {"#3D7518", "#93CF63"}}};

const std::array<Ink, 6> kRamp = {{{"#F2F5F7", "#1D222B"},
                                   {"#D3E6E8", "#1C3A44"},
                                   {"#9CCDD2", "#1B5563"},
                                   {"#5FAEB8", "#2A7887"},
                                   {"#2F8A99", "#54A6B2"},
                                   {"#0F5F73", "#A5DCE2"}}};

std::size_t shade_number(double share) {
  if (share <= 0.0) return 0;
  const auto steps = static_cast<double>(kRamp.size() - 1);
  return std::min(kRamp.size() - 1, static_cast<std::size_t>(std::ceil(share * steps)));
}

std::size_t place_of(const std::string& variant) {
  const auto found = std::find_if(known().begin(), known().end(),
                                  [&](const Known& entry) { return variant == entry.variant; });
  return static_cast<std::size_t>(found - known().begin());
}

/// A colour "#RRGGBB" that lies `part` of the way from one to another.
std::string between(const std::string& from, const std::string& to, double part) {
  std::string colour = "#";
  for (const std::size_t at : {1U, 3U, 5U}) {
    const auto channel = [&](const std::string& text) {
      return static_cast<double>(std::stoi(text.substr(at, 2), nullptr, 16));
    };
    colour += fmt::format("{:02X}", std::lround(channel(from) * (1.0 - part) + channel(to) * part));
  }
  return colour;
}

VariantStyle other(std::size_t number) {
  const std::size_t colour = number % kOthers.size();
  const Dash dash = number < kOthers.size() ? Dash::kSolid : Dash::kDotted;
  return {kOthers[colour], kOtherTexts[colour], Marker::kPentagon, dash, ""};
}

}  // namespace

const Ink& shade_of(double share) { return kRamp[shade_number(share)]; }

bool is_strong(double share) { return shade_number(share) > 3; }
Ink ink::on_ramp(double at) {
  const double place = 1.0 + std::clamp(at, 0.0, 1.0) * static_cast<double>(kRamp.size() - 2);
  const auto low = std::min(static_cast<std::size_t>(place), kRamp.size() - 2);
  const double part = place - static_cast<double>(low);
  return {between(kRamp[low].light, kRamp[low + 1].light, part),
          between(kRamp[low].dark, kRamp[low + 1].dark, part)};
}

Styles::Styles(std::vector<Named> labels) {
  std::set<std::string> others;
  for (const Named& label : labels) {
    if (place_of(label.variant) == known().size()) others.insert(label.variant);
  }
  // The label that is called like its variant is the first one.
  std::sort(labels.begin(), labels.end(), [](const Named& a, const Named& b) {
    return std::tuple(a.variant, a.label != a.variant, a.label) <
           std::tuple(b.variant, b.label != b.variant, b.label);
  });
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  std::map<std::string, std::size_t> labels_of;
  for (const Named& label : labels) {
    const std::size_t place = place_of(label.variant);
    const auto number =
        static_cast<std::size_t>(std::distance(others.begin(), others.find(label.variant)));
    VariantStyle style = place < known().size() ? known()[place].style : other(number);
    const std::size_t nth = labels_of[label.variant]++;
    if (nth == 1) style.dash = Dash::kDashed;
    if (nth > 1) style.dash = Dash::kDotted;
    if (nth > 0) style.says.clear();
    styles_.emplace(label, std::move(style));
    const std::size_t first = place < known().size() ? place : place + number;
    ranks_.emplace(label, first * (labels.size() + 1) + nth);
  }
}

const VariantStyle& Styles::of(const Named& label) const {
  const auto found = styles_.find(label);
  if (found == styles_.end()) throw std::logic_error("no style of label " + label.label);
  return found->second;
}

std::size_t Styles::rank(const Named& label) const { return ranks_.at(label); }

}  // namespace recollect::plot
