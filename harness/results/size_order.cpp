#include "harness/results/size_order.hpp"

#include <cstdlib>

namespace recollect {

bool in_size_order(const std::string& a, const std::string& b) {
  char* end_a = nullptr;
  char* end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a);
  const double y = std::strtod(b.c_str(), &end_b);
  const bool numbers = !a.empty() && !b.empty() && *end_a == '\0' && *end_b == '\0';
  return numbers ? x < y : a < b;
}

}  // namespace recollect
