#include "harness/sweep/job_array.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace recollect {
namespace {

TEST_CASE("job array: workers take the longest cell first") {
  CHECK(packed_seconds({}, 2) == 0.0);
  CHECK(packed_seconds({3, 1, 2}, 1) == 6.0);
  CHECK(packed_seconds({2, 2, 3}, 2) == 4.0);
  CHECK(packed_seconds({5, 1, 1, 1}, 2) == 5.0);
  CHECK(packed_seconds({5, 1}, 8) == 5.0);
}

TEST_CASE("job array: a task has every n-th cell, and the longest task counts") {
  const std::vector<double> cells = {10, 1, 10, 1, 0, 1};
  CHECK(dealt_to(1, cells, 1).seconds == 23.0);
  CHECK(dealt_to(2, cells, 1).seconds == 20.0);  // 10 + 10 + 0 and 1 + 1 + 1
  CHECK(dealt_to(2, cells, 2).seconds == 10.0);
  CHECK(dealt_to(6, cells, 1).seconds == 10.0);
  CHECK(dealt_to(9, cells, 1).seconds == 10.0);
}

TEST_CASE("job array: the fewest tasks that keep to the time") {
  const std::vector<double> hundred(100, 60.0);
  CHECK(dealt_within(600.0, 1000, hundred, 1).tasks == 10);
  CHECK(dealt_within(600.0, 1000, hundred, 2).tasks == 5);
  CHECK(dealt_within(650.0, 1000, hundred, 1).tasks == 10);
  // At most so many, which then take longer.
  const JobArray few = dealt_within(600.0, 4, hundred, 1);
  CHECK(few.tasks == 4);
  CHECK(few.seconds == 1500.0);
  // A cell that takes longer than a task should is a task of its own, and others do not wait for
  // it.
  const JobArray one = dealt_within(600.0, 1000, {6000.0, 60.0, 60.0}, 1);
  CHECK(one.seconds == 6000.0);
  CHECK(one.tasks <= 3);
  // Nothing to do, or less than a task.
  CHECK(dealt_within(600.0, 1000, {0.0, 0.0}, 1).tasks == 1);
  CHECK(dealt_within(600.0, 1000, {}, 1).tasks == 1);
  CHECK(dealt_within(600.0, 1000, {1.0, 1.0}, 4).tasks == 1);
  // Thousands of cells.
  const JobArray many = dealt_within(3600.0, 1000, std::vector<double>(10000, 100.0), 4);
  CHECK(many.tasks >= 70);
  CHECK(many.tasks <= 75);
  CHECK(many.seconds <= 3600.0);
}

}  // namespace
}  // namespace recollect
