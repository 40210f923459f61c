#include "tests/support/tasks_twin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace recollect::twin {
namespace {

std::int64_t id_at(const Example& example, std::int64_t position) {
  return example.ids.at(static_cast<std::size_t>(position));
}

// The block of the prefix of t that holds s, counted by halving both until they meet.
std::int32_t level_by_halving(std::int64_t t, std::int64_t s) {
  std::int32_t level = 0;
  for (; t != s; t /= 2, s /= 2) ++level;
  return level;
}

void expect(Example& expected, std::int64_t position, std::int64_t label, std::int64_t pair,
            std::int64_t source) {
  expected.positions.push_back(static_cast<std::int32_t>(position));
  expected.labels.push_back(static_cast<std::int32_t>(label));
  expected.tags.insert(expected.tags.end(),
                       {static_cast<std::int32_t>(position - source),
                        level_by_halving(position, source), static_cast<std::int32_t>(pair)});
}

std::string difference(const Example& expected, const Example& example) {
  if (example.positions != expected.positions) return "the positions are wrong";
  if (example.labels != expected.labels) return "the labels are wrong";
  if (example.tags != expected.tags) return "the tags are wrong";
  return "";
}

/// Where an MQAR example has its bindings and queries.
struct MqarPlan {
  std::map<std::int64_t, std::int64_t> pair_of_key;
  std::map<std::int64_t, std::int64_t> source_of_key;  // where its latest value stands
  std::vector<std::int64_t> queries;
  std::int64_t after_bindings = 0;
  bool power_law = false;
};

std::string read_pairs(const MqarSettings& settings, const Example& example, MqarPlan& plan) {
  const std::int64_t half = settings.vocab / 2;
  std::set<std::int64_t> values;
  std::int64_t at = settings.offset;
  for (std::int64_t i = 0; i < settings.pairs; ++i, at += 2) {
    const std::int64_t key = id_at(example, at);
    const std::int64_t value = id_at(example, at + 1);
    if (key < 1 || key > half - 1) return fmt::format("key {} of pair {} is out of range", key, i);
    if (value < half || value > settings.vocab - 1) {
      return fmt::format("value {} of pair {} is out of range", value, i);
    }
    plan.pair_of_key[key] = i;
    values.insert(value);
  }
  if (std::ssize(plan.pair_of_key) != settings.pairs) return "a key occurs in two pairs";
  if (std::ssize(values) != settings.pairs) return "a value occurs in two pairs";
  const std::int64_t block = 2 * settings.pairs;
  for (; at < settings.offset + settings.repeat * block; ++at) {
    if (id_at(example, at) != id_at(example, at - block)) return "the pairs are not repeated";
  }
  for (const auto& [key, pair] : plan.pair_of_key) {
    plan.source_of_key[key] = at - block + 2 * pair + 1;
  }
  std::set<std::int64_t> again;
  for (std::int64_t u = 0; u < settings.rebind; ++u, at += 2) {
    const std::int64_t key = id_at(example, at);
    if (!plan.pair_of_key.contains(key)) return fmt::format("{} is bound again, but no key", key);
    if (!again.insert(key).second) return fmt::format("key {} is bound three times", key);
    const std::int64_t value = id_at(example, at + 1);
    if (value < half || value > settings.vocab - 1) return "a rebinding has no value";
    if (!values.insert(value).second) return fmt::format("value {} is used twice", value);
    plan.source_of_key[key] = at + 1;
  }
  plan.after_bindings = at;
  return "";
}

std::string read_queries(const MqarSettings& settings, const Example& example, MqarPlan& plan) {
  const std::int64_t length = settings.length;
  if (!plan.power_law) {
    std::int64_t first = length - 2 * settings.pairs;
    if (settings.layout == MqarLayout::kLevel) {
      first = 1;
      for (std::int64_t l = 1; l < settings.level; ++l) first *= 2;
    }
    for (std::int64_t i = 0; i < settings.pairs; ++i) plan.queries.push_back(first + 2 * i);
  } else if (settings.filler == MqarFiller::kRandom) {
    plan.queries.assign(example.positions.begin(), example.positions.end());
  } else {
    for (std::int64_t p = plan.after_bindings; p < length; ++p) {
      if (plan.pair_of_key.contains(id_at(example, p))) plan.queries.push_back(p);
    }
  }
  if (std::ssize(plan.queries) != settings.pairs) return "there are not K queries";
  if (!std::ranges::is_sorted(plan.queries)) return "the positions do not ascend";
  return "";
}

std::string answers_fault(const MqarSettings& settings, const Example& example,
                          const MqarPlan& plan) {
  Example expected;
  std::set<std::int64_t> asked;
  for (const std::int64_t p : plan.queries) {
    const bool is_slot = !plan.power_law || (p - plan.after_bindings) % 2 == 0;
    if (p < plan.after_bindings || p + 1 >= settings.length || !is_slot) {
      return fmt::format("no slot starts at {}", p);
    }
    const auto found = plan.pair_of_key.find(id_at(example, p));
    if (found == plan.pair_of_key.end()) return fmt::format("position {} asks no key", p);
    if (!asked.insert(found->first).second) {
      return fmt::format("key {} is asked twice", found->first);
    }
    const std::int64_t source = plan.source_of_key.at(found->first);
    expect(expected, p, id_at(example, source), found->second, source);
  }
  return difference(expected, example);
}

std::string filler_fault(const MqarSettings& settings, const Example& example,
                         const MqarPlan& plan) {
  for (std::int64_t p = 0; p < settings.length; ++p) {
    const bool in_pair = p >= settings.offset && p < plan.after_bindings;
    if (in_pair || std::ranges::count(plan.queries, p) > 0) continue;
    const std::int64_t id = id_at(example, p);
    bool allowed = id >= 1 && id < settings.vocab;
    if (settings.filler == MqarFiller::kZeros) allowed = id == 0;
    if (settings.filler == MqarFiller::kRandom && plan.power_law) {
      allowed = id >= 0 && id < settings.vocab;
    }
    if (settings.filler == MqarFiller::kClean && plan.pair_of_key.contains(id)) allowed = false;
    if (!allowed) return fmt::format("position {} holds {}, which is no filler", p, id);
  }
  return "";
}

std::string ceilings_fault(const MqarSettings& settings, const Example& example,
                           const MqarPlan& plan, const Ceilings& ceilings) {
  const std::int64_t half = settings.vocab / 2;
  Ceilings right;
  for (std::size_t r = 0; r < plan.queries.size(); ++r) {
    const std::int64_t query = plan.queries[r];
    std::vector<std::int64_t> bound;
    for (std::int64_t s = 0; s <= query - 2; ++s) {
      if (id_at(example, s) != id_at(example, query)) continue;
      if (id_at(example, s + 1) >= half) bound.push_back(id_at(example, s + 1));
    }
    if (bound.front() == example.labels[r]) ++right.first;
    if (bound.back() == example.labels[r]) ++right.recent;
  }
  if (ceilings.first != right.first || ceilings.recent != right.recent) {
    return fmt::format("the ceilings are {} and {}, not {} and {}", right.first, right.recent,
                       ceilings.first, ceilings.recent);
  }
  return "";
}

}  // namespace

std::string mqar_fault(const MqarSettings& settings, const Example& example,
                       const Ceilings& ceilings) {
  MqarPlan plan;
  plan.power_law = settings.layout == MqarLayout::kPowerLaw;
  if (std::ssize(example.ids) != settings.length) return "the length is wrong";
  std::string fault = read_pairs(settings, example, plan);
  if (fault.empty()) fault = read_queries(settings, example, plan);
  if (fault.empty()) fault = answers_fault(settings, example, plan);
  if (fault.empty()) fault = filler_fault(settings, example, plan);
  if (fault.empty()) fault = ceilings_fault(settings, example, plan, ceilings);
  return fault;
}

std::string copying_fault(const SelectiveCopyingSettings& settings, const Example& example,
                          const Ceilings& ceilings) {
  const std::int64_t length = settings.length;
  const std::int64_t tokens = settings.tokens;
  const std::int64_t vocab = settings.vocab.value();
  const bool adaptive = settings.dialect == CopyingDialect::kAdaptive;
  const bool mad =
      settings.dialect == CopyingDialect::kMad || settings.dialect == CopyingDialect::kMadUniform;
  if (std::ssize(example.ids) != length) return "the length is wrong";

  const auto is_data = [&](std::int64_t id) {
    if (adaptive) return id >= 3 && id <= 65;
    if (mad) return id >= 0 && id <= vocab - 3;
    return id >= 1 && id <= vocab - 2;
  };
  const auto is_noise = [&](std::int64_t id) {
    if (adaptive) return id >= 67 && id <= 127;
    return id == (mad ? vocab - 2 : 0);
  };
  const std::int64_t input = adaptive || mad ? length - tokens - 1 : length - tokens;
  std::vector<std::int64_t> sources;
  for (std::int64_t p = 0; p < input; ++p) {
    if (is_data(id_at(example, p))) {
      sources.push_back(p);
    } else if (!is_noise(id_at(example, p))) {
      return fmt::format("position {} holds {}: neither data nor noise", p, id_at(example, p));
    }
  }
  if (std::ssize(sources) != tokens) return "there are not n data tokens";
  if (settings.dialect == CopyingDialect::kMad && sources.back() != input - 1) {
    return "the last data token is not directly before COPY";
  }
  std::set<std::int64_t> different;
  for (const std::int64_t p : sources) different.insert(id_at(example, p));
  if (adaptive && std::ssize(different) != tokens) return "a data token is repeated";

  for (std::int64_t p = input; p < length; ++p) {
    std::int64_t wanted = vocab - 1;
    if (adaptive) wanted = p == input ? 1 : 2;
    if (mad && p > input) wanted = vocab - 2;
    if (id_at(example, p) != wanted) return fmt::format("position {} must hold {}", p, wanted);
  }

  Example expected;
  for (std::int64_t i = 0; i < tokens; ++i) {
    const std::int64_t source = sources[static_cast<std::size_t>(i)];
    const std::int64_t position = (adaptive ? length - tokens - 1 : length - tokens) + i;
    expect(expected, position, id_at(example, source), i, source);
  }
  if (std::string fault = difference(expected, example); !fault.empty()) return fault;
  if (ceilings.first != tokens || ceilings.recent != tokens) return "the ceilings are wrong";
  return "";
}

}  // namespace recollect::twin
