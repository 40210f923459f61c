#include "harness/store/renamed_options.hpp"

#include <algorithm>
#include <set>

#include "harness/config/load.hpp"

namespace recollect {
namespace {

constexpr std::string_view kOption = "dialect:";
constexpr std::string_view kFormer = "mad";
constexpr std::string_view kToday = "mad-uniform";

bool continues_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

/// `from` as a whole word becomes `to`, on lines that give a dialect.
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = text.substr(begin, end - begin);
    begin = end;
    if (line.find(kOption) == std::string_view::npos) {
      out += line;
      continue;
    }
    for (std::size_t i = 0; i < line.size();) {
      const bool starts =
          line.substr(i).starts_with(from) && (i == 0 || !continues_word(line[i - 1])) &&
          (i + from.size() == line.size() || !continues_word(line[i + from.size()]));
      out += starts ? to : line.substr(i, 1);
      i += starts ? from.size() : 1;
    }
  }
  return out;
}

bool holds(const Experiment& experiment, const std::vector<std::string>& hashes) {
  std::set<std::string> own;
  for (const Cell& cell : experiment.cells) own.insert(cell.hash());
  return std::all_of(hashes.begin(), hashes.end(),
                     [&](const std::string& hash) { return own.contains(hash); });
}

}  // namespace

Experiment parse_recorded(const std::string& configuration, const std::string& place,
                          const std::vector<std::string>& hashes) {
  Experiment experiment = parse_experiment(configuration, place, {}, AllowedNames::kAny);
  const std::string renamed = replaced(configuration, kFormer, kToday);
  if (renamed == configuration || holds(experiment, hashes)) return experiment;
  Experiment meant = parse_experiment(renamed, place, {}, AllowedNames::kAny);
  return holds(meant, hashes) ? meant : experiment;
}

std::string with_former_names(std::string_view text) { return replaced(text, kToday, kFormer); }

}  // namespace recollect
