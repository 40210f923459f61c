#pragma once

#include <functional>

#include "base/interrupt.hpp"

namespace recollect::python {

/// Calls `work` in a thread of its own, without the interpreter's lock, which is held before and
/// after. This one waits, and calls the handlers of signals meanwhile (in Python, the main thread
/// alone has any): where one raises, as at Ctrl-C, `work` is asked to stop, and once it has ended
/// what was raised is thrown. So is what `work` throws.
void interruptible(const std::function<void(const StopRequest& stop)>& work);

}  // namespace recollect::python
