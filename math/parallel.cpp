#include "math/parallel.hpp"

#include <fstream>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "base/cores.hpp"

namespace recollect {

int available_cores() { return core_budget().cores; }

int team_size(int wanted) {
  thread_local int asked = 1;
  thread_local int possible = 1;
  if (wanted <= asked) return wanted < possible ? wanted : possible;
  // As many threads at once as OpenMP is about to create, each of which waits for the last.
  std::latch all_are_there(1);
  std::vector<std::thread> threads;
  try {
    while (static_cast<int>(threads.size()) + 1 < wanted) {
      threads.emplace_back([&] { all_are_there.wait(); });
    }
  } catch (const std::system_error&) {
  }
  all_are_there.count_down();
  for (std::thread& thread : threads) thread.join();
  asked = wanted;
  possible = static_cast<int>(threads.size()) + 1;
  return possible;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace recollect
