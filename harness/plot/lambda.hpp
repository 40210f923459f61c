#pragma once

#include "harness/inspect/inspection.hpp"
#include "harness/plot/pictures.hpp"

namespace recollect::plot {

/// Lambda of a trained model by level and position, one map a head: of the example that is shown,
/// with means by kind of token and the input-dependence beside it, and what one query reads below.
/// Not drawn of variants without levels. The figure is called lambda-LABEL, and its data are
/// inspection_table().
[[nodiscard]] Drawn draw_lambda(const Inspection& inspection);

}  // namespace recollect::plot
