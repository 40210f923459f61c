#pragma once

namespace recollect {

/// From now on a signal that ends the program is reported with variant, option and tensor.
void report_signals();

}  // namespace recollect
