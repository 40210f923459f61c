// The data of every configuration that comes with the program, counted in full.
#include <doctest/doctest.h>

#include <filesystem>

#include "harness/config/load.hpp"
#include "harness/train/leakage.hpp"
#include "math/parallel.hpp"
#include "tests/support/places.hpp"

namespace recollect {
namespace {

TEST_CASE("leakage: none in the configurations that come with the program, counted in full") {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_folder() / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    CAPTURE(entry.path().string());
    const Leakage leakage =
        count_leakage(load_experiment(entry.path().string()), available_cores());
    CHECK(leakage_warning(leakage).empty());
    for (const DataSet& set : leakage.sets) CHECK(set.complete());
  }
  CHECK(files >= 6);
}

}  // namespace
}  // namespace recollect
