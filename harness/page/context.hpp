#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/page/page_input.hpp"
#include "harness/page/panel.hpp"

namespace recollect::page {

/// What the parts of a page call things, so that they find each other.
class Context {
 public:
  explicit Context(const PageInput& page_input);
  const PageInput& input;

  /// All labels, those of known variants first.
  [[nodiscard]] const std::vector<plot::Named>& labels() const noexcept { return labels_; }
  /// The number of a label in data-v, and of a cell in data-c.
  [[nodiscard]] std::size_t number_of(const plot::Named& label) const;
  [[nodiscard]] std::size_t number_of(const std::string& cell) const;
  [[nodiscard]] MarkNames mark_names() const;

  /// Ids of elements.
  [[nodiscard]] const std::string& anchor_of(const plot::Study& study) const;
  [[nodiscard]] std::string anchor_of(const plot::Study& study, const char* part) const;
  [[nodiscard]] const std::string& anchor_of(const std::string& cell) const;

  /// Marker and name, in the colour of the variant.
  [[nodiscard]] std::string name_html(const plot::Named& label, const std::string& name) const;

 private:
  std::vector<plot::Named> labels_;
  std::map<plot::Named, std::size_t> label_numbers_;
  std::map<std::string, std::size_t> cell_numbers_;
  std::map<std::string, std::string> cell_anchors_;
  std::map<std::string, std::string> study_anchors_;  ///< by name
};

}  // namespace recollect::page
