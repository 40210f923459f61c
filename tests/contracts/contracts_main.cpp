#include "tests/contracts/contracts_main.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "tests/contracts/contracts.hpp"
#include "tests/contracts/learning.hpp"
#include "tests/contracts/shape_errors.hpp"

namespace recollect {
namespace {

/// The number of contracts that do not hold.
int run(const MixerEntry& entry) {
  int failed = 0;
  std::int64_t comparisons = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const Contract& contract : contracts()) {
    const std::string failure = failure_of(contract, entry, comparisons);
    if (failure.empty()) continue;
    ++failed;
    fmt::print(stderr, "FAILED {}: {}\n", contract.name, failure);
    if (contract.others_need_it) {
      fmt::print(stderr, "{}: nothing else is checked until this holds\n", entry.name);
      return failed;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{}: {} of {} contracts hold, {} comparisons, {:.1f} s\n", entry.name,
             static_cast<int>(contracts().size()) - failed, contracts().size(), comparisons,
             seconds.count());
  std::fflush(stdout);
  return failed;
}

int run_all(const std::vector<std::string>& names) {
  for (const std::string& name : names) (void)mixer_settings(name);  // throws where there is none
  int failed = 0;
  for (const MixerEntry& entry : mixers()) {
    const bool asked =
        names.empty() || std::find(names.begin(), names.end(), entry.name) != names.end();
    if (asked) failed += run(entry);
  }
  return failed == 0 ? 0 : 1;
}

int learn(const std::string& variant) {
  constexpr double kChance = 0.25;
  const double accuracy = accuracy_after_training(variant);
  fmt::print("{}: accuracy {:.3f} after training, chance {:.2f}\n", variant, accuracy, kChance);
  return accuracy > 2.0 * kChance ? 0 : 1;
}

}  // namespace
}  // namespace recollect

int recollect::contracts_main(int count, char** arguments, const std::function<void()>& before) {
  report_signals();
  try {
    if (before) before();
    const std::vector<std::string> given(arguments + 1, arguments + count);
    if (given.size() == 2 && given[0] == "--learn") return learn(given[1]);
    return run_all(given);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 64;
  }
}
