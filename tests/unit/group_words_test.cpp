// The products of group-words against permutations that are applied one after another.
#include "tasks/group_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace recollect {
namespace {

using Arrangement = std::vector<int>;

/// Arrangements of `things` in lexicographic order, by counting in base `things` and leaving out
/// what names a thing twice; of a5 those that an even number of swaps sorts.
std::vector<Arrangement> arrangements(int things, bool even_alone) {
  std::vector<Arrangement> all;
  int codes = 1;
  for (int i = 0; i < things; ++i) codes *= things;
  for (int code = 0; code < codes; ++code) {
    Arrangement digits;
    for (int left = code, i = 0; i < things; ++i, left /= things) digits.push_back(left % things);
    std::ranges::reverse(digits);
    if (std::set(digits.begin(), digits.end()).size() != digits.size()) continue;
    int swaps = 0;
    Arrangement sorted = digits;
    for (int i = 0; i < things; ++i) {
      while (sorted[static_cast<std::size_t>(i)] != i) {
        std::swap(sorted[static_cast<std::size_t>(i)],
                  sorted[static_cast<std::size_t>(sorted[static_cast<std::size_t>(i)])]);
        ++swaps;
      }
    }
    if (!even_alone || swaps % 2 == 0) all.push_back(digits);
  }
  return all;
}

/// What is wrong with an example; "" if nothing.
std::string fault(const Example& example, const std::vector<Arrangement>& elements) {
  const auto things = elements.front().size();
  Arrangement places(things);  // thing i stands at places[i]
  std::iota(places.begin(), places.end(), 0);
  for (std::size_t t = 0; t < example.ids.size(); ++t) {
    const Arrangement& moved = elements.at(static_cast<std::size_t>(example.ids[t]));
    for (int& place : places) place = moved[static_cast<std::size_t>(place)];
    if (example.positions.at(t) != static_cast<std::int32_t>(t)) return "a position is left out";
    if (example.tags.at(t) != static_cast<std::int32_t>(t)) return "another tag";
    if (elements.at(static_cast<std::size_t>(example.labels.at(t))) != places) {
      return "another product at " + std::to_string(t);
    }
  }
  return example.positions.size() == example.ids.size() ? "" : "too many positions";
}

GroupWordsSettings settings_of(Group group, std::int64_t length) {
  GroupWordsSettings settings;
  settings.group = group;
  settings.length = length;
  return settings;
}

template <class Check>
void for_each_example(const GroupWordsSettings& settings, std::uint64_t count, const Check& check) {
  const auto task = settings.make();
  Example example;
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < count; ++i) {
    for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
      task->example({3, split, i}, example, scratch);
      check(example);
    }
  }
}

}  // namespace

TEST_CASE("group words: labels are the products of permutations, one after another") {
  const std::vector<std::pair<Group, std::vector<Arrangement>>> groups = {
      {Group::kS3, arrangements(3, false)},
      {Group::kS4, arrangements(4, false)},
      {Group::kS5, arrangements(5, false)},
      {Group::kA5, arrangements(5, true)}};
  const std::array<std::size_t, 4> orders = {6, 24, 120, 60};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    CAPTURE(i);
    const auto& [group, elements] = groups[i];
    REQUIRE(elements.size() == orders[i]);
    const auto task = settings_of(group, 30).make();
    CHECK(task->vocab() == static_cast<std::int64_t>(elements.size()));
    CHECK(task->chance() == doctest::Approx(1.0 / static_cast<double>(elements.size())));
    for_each_example(settings_of(group, 30), 40, [&, &own = elements](const Example& example) {
      CHECK(fault(example, own) == "");
    });
  }
}

TEST_CASE("group words: residues add up") {
  for (const auto& [group, order] : {std::pair{Group::kZ2, 2}, std::pair{Group::kZ60, 60}}) {
    for_each_example(settings_of(group, 50), 40, [n = order](const Example& example) {
      int sum = 0;
      for (std::size_t t = 0; t < example.ids.size(); ++t) {
        sum = (sum + example.ids[t]) % n;
        CHECK(example.labels[t] == sum);
      }
    });
  }
}

TEST_CASE("group words: ids are uniform, and neighbours independent") {
  // Chi-square of pairs of neighbours: 36 cells, 35 degrees of freedom; 80 is beyond 1 in 50,000.
  std::map<std::pair<int, int>, double> pairs;
  double count = 0.0;
  for_each_example(settings_of(Group::kS3, 60), 400, [&](const Example& example) {
    for (std::size_t t = 0; t + 1 < example.ids.size(); t += 2) {
      pairs[{example.ids[t], example.ids[t + 1]}] += 1.0;
      count += 1.0;
    }
  });
  REQUIRE(pairs.size() == 36);
  double chi_square = 0.0;
  for (const auto& [pair, seen] : pairs) {
    chi_square += (seen - count / 36.0) * (seen - count / 36.0) / (count / 36.0);
  }
  CHECK(chi_square < 80.0);
  CHECK(chi_square > 10.0);
}

}  // namespace recollect
