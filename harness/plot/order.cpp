#include "harness/plot/order.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

namespace recollect::plot {

std::vector<std::size_t> by_accuracy(const GroupResult& group) {
  std::vector<std::size_t> order(group.accuracy.values.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto& values = group.accuracy.values;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (std::isnan(values[a]) || std::isnan(values[b])) {
      return std::isnan(values[a]) && !std::isnan(values[b]);
    }
    return values[a] < values[b];
  });
  return order;
}

std::vector<const StudyRow*> by_success(const StudySection& section) {
  std::vector<const StudyRow*> rows;
  for (const StudyRow& row : section.rows) rows.push_back(&row);
  const auto rank = [](const StudyRow* row) {
    const GroupResult& group = *row->trained;
    const auto runs = static_cast<double>(std::max<std::int64_t>(group.runs(), 1));
    const double height = group.accuracy.summary ? group.accuracy.summary->median : -1.0;
    constexpr double kNever = std::numeric_limits<double>::infinity();
    return std::tuple(-static_cast<double>(group.solved()) / runs,
                      group.solve_step_median.value_or(kNever), std::isnan(height) ? 2.0 : -height);
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const StudyRow* a, const StudyRow* b) { return rank(a) < rank(b); });
  return rows;
}

std::vector<const StudyRow*> names_of(const Study& study) {
  std::vector<const StudyRow*> names;
  for (const StudySection& section : study.sections) {
    for (const StudyRow& row : section.rows) {
      const bool known = std::any_of(names.begin(), names.end(),
                                     [&](const StudyRow* one) { return one->name == row.name; });
      if (!known) names.push_back(&row);
    }
  }
  return names;
}

}  // namespace recollect::plot
