#include "harness/store/table_rows.hpp"

#include <algorithm>
#include <map>

namespace recollect {

CsvTable table_of(const std::vector<Values>& rows) {
  Header header;
  for (const Values& values : rows) header.add(values);
  CsvTable table;
  table.header = header.names();
  for (const Values& values : rows) {
    std::vector<std::string>& row = table.rows.emplace_back(table.header.size());
    for (const auto& [name, value] : values) row[table.index(name)] = value;
  }
  return table;
}

bool starts_with_any(const std::string& name, std::initializer_list<const char*> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* prefix) { return name.starts_with(prefix); });
}

std::vector<std::size_t> all_rows(const CsvTable& table) {
  std::vector<std::size_t> rows(table.rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return rows;
}

std::vector<std::vector<std::size_t>> group_by(const CsvTable& table,
                                               const std::vector<std::size_t>& rows,
                                               const std::vector<std::string>& columns) {
  std::vector<std::size_t> places;
  for (const std::string& column : columns) places.push_back(table.index(column));
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::vector<std::string>, std::size_t> known;
  for (const std::size_t row : rows) {
    std::vector<std::string> key;
    for (const std::size_t place : places) key.push_back(table.rows[row][place]);
    const auto [found, added] = known.emplace(std::move(key), groups.size());
    if (added) groups.emplace_back();
    groups[found->second].push_back(row);
  }
  return groups;
}

std::string distinct(const CsvTable& table, const std::vector<std::size_t>& rows,
                     std::string_view column, const char* separator) {
  std::vector<std::string> seen;
  for (const std::size_t row : rows) {
    const std::string& value = table.rows[row][table.index(column)];
    if (std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(value);
  }
  std::string text;
  for (const std::string& value : seen) {
    if (!text.empty()) text += separator;
    text += value;
  }
  return text;
}

std::vector<double> numbers(const CsvTable& table, const std::vector<std::size_t>& rows,
                            std::string_view column) {
  std::vector<double> values;
  for (const std::size_t row : rows)
    values.push_back(to_real(table.rows[row][table.index(column)]));
  return values;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) found.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

void name_following_seeds(CsvTable& table) {
  const std::size_t experiment = table.index("experiment");
  const std::size_t seed = table.index("seed");
  for (const char* name : {"data_seed", "train_order_seed"}) {
    const std::size_t column = table.index(name);
    std::set<std::string> own;  // experiments in which some cell departs from its seed
    for (const auto& row : table.rows) {
      if (row[column] != row[seed]) own.insert(row[experiment]);
    }
    for (auto& row : table.rows) {
      if (!own.contains(row[experiment])) row[column] = "seed";
    }
  }
}

}  // namespace recollect
