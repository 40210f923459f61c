#include "harness/results/published_rankings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

/// "pairs=8 task=mqar".
ChosenBy options_in(const std::string& text) {
  ChosenBy options;
  for (const std::string& word : words(text)) {
    const auto option = name_and_value(word);
    if (!option || option->first.empty() || option->second.empty()) {
      throw IoError(fmt::format("'{}' is not NAME=VALUE", printable(word)));
    }
    options[option->first] = option->second;
  }
  return options;
}

double share(const std::string& column, const std::string& text) {
  const double value = to_real(text);
  if (!(value >= 0.0 && value <= 1.0)) {
    throw IoError(fmt::format("{} is a share, 0..1, and not {}", column, value));
  }
  return value;
}

class Reader {
 public:
  explicit Reader(const CsvTable& table) : table_(table) {}

  void add(const std::vector<std::string>& row) {
    const auto at = [&](const char* column) { return row[*table_.find(column)]; };
    if (at("ranking").empty()) throw IoError("it names no ranking");
    auto found = std::find_if(rankings_.begin(), rankings_.end(),
                              [&](const auto& one) { return one.name == at("ranking"); });
    if (found == rankings_.end()) {
      found = rankings_.insert(rankings_.end(), {at("ranking"),
                                                 at("source"),
                                                 at("what"),
                                                 at("experiment"),
                                                 options_in(at("scored")),
                                                 options_in(at("settings")),
                                                 {},
                                                 ""});
      if (found->source.empty()) throw IoError("its ranking has no source");
      if (found->experiment.empty()) throw IoError("its ranking names no experiment of ours");
    }
    PublishedRanking& ranking = *found;
    RankedFigure figure{at("label"), at("as_published"), {share("mean", at("mean")), {}, 0}};
    if (!at("sd").empty()) figure.score.sd = share("sd", at("sd"));
    figure.score.n = to_integer(at("seeds"));
    if (figure.score.n < 1) throw IoError("seeds must be 1 or more");
    for (const RankedFigure& other : ranking.figures) {
      if (other.label == figure.label) {
        throw IoError(fmt::format("'{}' stands twice in ranking '{}'", printable(figure.label),
                                  printable(ranking.name)));
      }
    }
    ranking.figures.push_back(figure);
    if (!at("note").empty()) {
      ranking.note += (ranking.note.empty() ? "" : "; ") + at("note");
    }
  }

  [[nodiscard]] std::vector<PublishedRanking> take() {
    for (PublishedRanking& ranking : rankings_) {
      std::stable_sort(ranking.figures.begin(), ranking.figures.end(),
                       [](const auto& a, const auto& b) { return a.score.mean > b.score.mean; });
    }
    return std::move(rankings_);
  }

 private:
  const CsvTable& table_;
  std::vector<PublishedRanking> rankings_;
};

}  // namespace

std::vector<PublishedRanking> read_rankings(const std::filesystem::path& path) {
  const CsvTable table =
      parse_csv(read_file(path, kLargestText, "file of published rankings"), path.string());
  expect_columns(table,
                 {"ranking", "source", "what", "experiment", "scored", "settings", "as_published",
                  "label", "mean", "sd", "seeds", "note"},
                 path.string());
  Reader reader(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    try {
      reader.add(table.rows[i]);
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}: figure {}: {}", path.string(), i + 1, error.what()));
    }
  }
  return reader.take();
}

}  // namespace recollect
