#include "harness/page/context.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/page/html.hpp"

namespace recollect::page {

Context::Context(const PageInput& page_input) : input(page_input) {
  const plot::Material& material = input.material;
  for (const GroupResult& group : material.groups) {
    const plot::Named label{group.variant, group.label};
    if (std::find(labels_.begin(), labels_.end(), label) == labels_.end()) labels_.push_back(label);
  }
  std::stable_sort(labels_.begin(), labels_.end(), [&](const auto& a, const auto& b) {
    return material.styles.rank(a) < material.styles.rank(b);
  });
  for (std::size_t i = 0; i < labels_.size(); ++i) label_numbers_[labels_[i]] = i;
  Ids ids;
  for (const CellResult& cell : material.results.cells) {
    if (cell_numbers_.emplace(cell.cell, cell_numbers_.size()).second) {
      cell_anchors_.emplace(cell.cell, ids.make("cell-", cell.cell));
    }
  }
  for (const plot::Study& study : material.studies) {
    if (!study_anchors_.contains(study.name)) {
      study_anchors_.emplace(study.name, ids.make("of-", study.name));
    }
  }
}

std::size_t Context::number_of(const plot::Named& label) const { return label_numbers_.at(label); }

std::size_t Context::number_of(const std::string& cell) const { return cell_numbers_.at(cell); }

MarkNames Context::mark_names() const {
  return {[this](const plot::Named& label) { return std::to_string(number_of(label)); },
          [this](const std::string& cell) { return std::to_string(number_of(cell)); }};
}

const std::string& Context::anchor_of(const plot::Study& study) const {
  return study_anchors_.at(study.name);
}

std::string Context::anchor_of(const plot::Study& study, const char* part) const {
  return fmt::format("{}.{}", anchor_of(study), part);
}

const std::string& Context::anchor_of(const std::string& cell) const {
  return cell_anchors_.at(cell);
}

std::string Context::name_html(const plot::Named& label, const std::string& name) const {
  return fmt::format("<span class=\"name v{}\">{}{}</span>", number_of(label),
                     marker_svg(input.material.styles.of(label)), escaped(name));
}

}  // namespace recollect::page
