#pragma once

#include <string>

#include "harness/page/page_input.hpp"

namespace recollect::page {

/// A report as one HTML file that needs nothing else: no network, no script to be read. The same
/// input gives the same bytes.
[[nodiscard]] std::string make_page(const PageInput& input);

}  // namespace recollect::page
