#include "harness/sweep/job_array.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>

namespace recollect {

double packed_seconds(std::vector<double> cells, int jobs) {
  std::sort(cells.begin(), cells.end(), std::greater<>());
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (int job = 0; job < jobs; ++job) free_at.push(0.0);
  double end = 0.0;
  for (const double next : cells) {
    const double done = free_at.top() + next;
    free_at.pop();
    free_at.push(done);
    end = std::max(end, done);
  }
  return end;
}

JobArray dealt_to(int tasks, const std::vector<double>& cells, int cpus) {
  JobArray array{tasks, 0.0};
  const auto step = static_cast<std::size_t>(tasks);
  for (std::size_t first = 0; first < std::min(step, cells.size()); ++first) {
    std::vector<double> own;
    for (std::size_t i = first; i < cells.size(); i += step) own.push_back(cells[i]);
    array.seconds = std::max(array.seconds, packed_seconds(std::move(own), cpus));
  }
  return array;
}

JobArray dealt_within(double seconds, int most, const std::vector<double>& cells, int cpus) {
  const double all = std::accumulate(cells.begin(), cells.end(), 0.0);
  const auto last = std::clamp<double>(static_cast<double>(cells.size()), 1.0, most);
  const double least = std::clamp(std::ceil(all / (seconds * cpus)), 1.0, last);
  const double longest = cells.empty() ? 0.0 : *std::max_element(cells.begin(), cells.end());
  JobArray array;
  // More tasks are not always shorter, as a longer cell may come to stand beside another one. Steps
  // of a fiftieth are near enough.
  for (int tasks = static_cast<int>(least);; tasks += std::max(1, tasks / 50)) {
    array = dealt_to(std::min(tasks, static_cast<int>(last)), cells, cpus);
    if (array.seconds <= std::max(seconds, longest) || tasks >= last) return array;
  }
}

}  // namespace recollect
