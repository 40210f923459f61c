#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace recollect::plot {

// How all pictures look: colours, markers, sizes. Whoever changes a picture's looks changes this
// file and nothing else.

/// A colour on a light ground and what becomes of it on a dark one. The light value stands in the
/// picture and a style block turns it into the dark one, so each light value is used for one
/// purpose.
struct Ink {
  std::string light;
  std::string dark;
  friend bool operator==(const Ink&, const Ink&) = default;
};

namespace ink {
inline const Ink kText{"#1F2328", "#E6EDF3"};
inline const Ink kMuted{"#57606A", "#9EA7B3"};      ///< all secondary text
inline const Ink kReference{"#8B949E", "#6E7681"};  ///< chance and other lines to read against
inline const Ink kGhost{"#CBD0D6", "#3B424B"};      ///< the other variants, behind one
inline const Ink kGrid{"#E8EBEE", "#262C34"};
inline const Ink kBar{"#DFE3E8", "#2E3640"};  ///< how many there are, behind what they say
inline const Ink kShade{"#F2F3F5", "#1D222A"};
inline const Ink kGround{"#FFFFFF", "#14181D"};
inline const Ink kOnStrong{"#FEFEFE", "#101317"};  ///< letters on a strong shade
/// The shades of shares without the palest, which is hard to tell from the ground. @param at  0..1
[[nodiscard]] Ink on_ramp(double at);
}  // namespace ink

/// Of a share 0..1: one hue from pale, for none, to strong; on a dark ground the strongest is the
/// lightest.
[[nodiscard]] const Ink& shade_of(double share);
/// Whether letters on that shade are kOnStrong.
[[nodiscard]] bool is_strong(double share);

enum class Marker { kCircle, kTriangleUp, kDiamond, kSquare, kTriangleDown, kPentagon };
enum class Dash { kSolid, kDashed, kDotted };

/// Of a label. Hue and marker say how the weights of levels are made; neutral hues have no levels.
/// A second label of one variant has its colour, and is dashed and hollow; a third is dotted.
struct VariantStyle {
  Ink mark;
  Ink text;  ///< darker or lighter where the mark's own contrast is too low for letters
  Marker marker = Marker::kCircle;
  Dash dash = Dash::kSolid;
  std::string says;  ///< a few words for people who do not know the name; "" of unknown variants
};

/// A variant and one of its labels.
struct Named {
  std::string variant;
  std::string label;
  friend auto operator<=>(const Named&, const Named&) = default;
};

/// The looks of all labels of a set of results, so that a label looks the same in each of its
/// pictures. Known variants have a look of their own; others share what is left, in the order of
/// their names.
class Styles {
 public:
  explicit Styles(std::vector<Named> labels);
  /// @throws std::logic_error for a label that was not given
  [[nodiscard]] const VariantStyle& of(const Named& label) const;
  /// Where a label stands among others: known variants first, in the order of the registry.
  [[nodiscard]] std::size_t rank(const Named& label) const;

 private:
  std::map<Named, VariantStyle> styles_;
  std::map<Named, std::size_t> ranks_;
};

// Sizes in px.
inline constexpr double kWidth = 800.0;
inline constexpr double kMargin = 16.0;
inline constexpr double kTitleSize = 17.0;
inline constexpr double kReadingSize = 13.5;
inline constexpr double kNameSize = 12.5;
inline constexpr double kTickSize = 12.0;
inline constexpr double kSeedLine = 0.8;
inline constexpr double kMedianLine = 2.3;
inline constexpr double kGridLine = 0.8;
inline constexpr double kReferenceLine = 1.1;
inline constexpr double kBandOpacity = 0.19;
inline constexpr double kDot = 2.6;  ///< radius

/// Faces of the same advance widths everywhere, so that text measured here fits on every machine.
inline constexpr std::string_view kFontFamily =
    "'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif";

}  // namespace recollect::plot
