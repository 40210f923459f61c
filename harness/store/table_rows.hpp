#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/store/csv.hpp"

namespace recollect {

/// Named values of a row that becomes part of a table.
using Values = std::vector<std::pair<std::string, std::string>>;

/// Column names in the order in which they first appear.
class Header {
 public:
  void add(const Values& values) {
    for (const auto& [name, value] : values) {
      if (known_.insert(name).second) names_.push_back(name);
    }
  }
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::vector<std::string> names_;
  std::set<std::string> known_;
};

/// A table of rows whose columns need not be the same; what a row lacks is empty.
[[nodiscard]] CsvTable table_of(const std::vector<Values>& rows);

[[nodiscard]] bool starts_with_any(const std::string& name,
                                   std::initializer_list<const char*> prefixes);

[[nodiscard]] std::vector<std::size_t> all_rows(const CsvTable& table);

/// Groups rows by the texts of some columns, in the order in which the groups first appear.
[[nodiscard]] std::vector<std::vector<std::size_t>> group_by(
    const CsvTable& table, const std::vector<std::size_t>& rows,
    const std::vector<std::string>& columns);

/// The values of a column in the order in which they first appear, once each.
[[nodiscard]] std::string distinct(const CsvTable& table, const std::vector<std::size_t>& rows,
                                   std::string_view column, const char* separator);

/// A column as numbers.
[[nodiscard]] std::vector<double> numbers(const CsvTable& table,
                                          const std::vector<std::size_t>& rows,
                                          std::string_view column);

/// The parts of a text between blanks.
[[nodiscard]] std::vector<std::string> words(const std::string& text);

/// data_seed and order_seed follow the cell's seed unless they are set. Where they do throughout an
/// experiment they say "seed", so that the cells of a group agree in them.
void name_following_seeds(CsvTable& table);

}  // namespace recollect
