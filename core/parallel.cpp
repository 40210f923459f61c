#include "core/parallel.hpp"

namespace recollect {

int available_cores() noexcept { return omp_get_num_procs(); }

}  // namespace recollect
