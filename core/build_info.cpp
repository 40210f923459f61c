#include "core/build_info.hpp"

// -march=native means something else on every machine; what it meant here, these macros know.
#if defined(__AVX512F__)
#define RECOLLECT_VECTORS "+avx512f"
#elif defined(__AVX2__)
#define RECOLLECT_VECTORS "+avx2"
#elif defined(__AVX__)
#define RECOLLECT_VECTORS "+avx"
#elif defined(__ARM_FEATURE_SVE)
#define RECOLLECT_VECTORS "+sve"
#else
#define RECOLLECT_VECTORS ""
#endif

#if defined(__FMA__)
#define RECOLLECT_FMA "+fma"
#else
#define RECOLLECT_FMA ""
#endif

namespace recollect {

std::string_view compiler() noexcept { return RECOLLECT_COMPILER; }

std::string_view build() noexcept {
  return RECOLLECT_BUILD_TYPE " " RECOLLECT_PROCESSOR RECOLLECT_VECTORS RECOLLECT_FMA
                              " " RECOLLECT_BUILD_FLAGS;
}

}  // namespace recollect
