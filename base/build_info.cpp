#include "base/build_info.hpp"

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
namespace {

constexpr std::uint32_t kNeeds[] = {
#ifdef __SSE3__
    1u << 0,
#endif
#ifdef __SSSE3__
    1u << 1,
#endif
#ifdef __SSE4_1__
    1u << 2,
#endif
#ifdef __SSE4_2__
    1u << 3,
#endif
#ifdef __POPCNT__
    1u << 4,
#endif
#ifdef __AVX__
    1u << 5,
#endif
#ifdef __AVX2__
    1u << 6,
#endif
#ifdef __FMA__
    1u << 7,
#endif
#ifdef __BMI__
    1u << 8,
#endif
#ifdef __BMI2__
    1u << 9,
#endif
#ifdef __AVX512F__
    1u << 10,
#endif
#ifdef __AVX512CD__
    1u << 11,
#endif
#ifdef __AVX512BW__
    1u << 12,
#endif
#ifdef __AVX512DQ__
    1u << 13,
#endif
#ifdef __AVX512VL__
    1u << 14,
#endif
#ifdef __AVX512VBMI__
    1u << 15,
#endif
#ifdef __AVX512IFMA__
    1u << 16,
#endif
#ifdef __AVX512VNNI__
    1u << 17,
#endif
    0};

constexpr std::uint32_t all_needs() {
  std::uint32_t bits = 0;
  for (const std::uint32_t bit : kNeeds) bits |= bit;
  return bits;
}

}  // namespace

constinit const std::uint32_t kInstructionSets = all_needs();

std::string_view compiler() noexcept { return RECOLLECT_COMPILER; }

std::string_view build() noexcept {
  return RECOLLECT_BUILD_TYPE " " RECOLLECT_PROCESSOR RECOLLECT_VECTORS RECOLLECT_FMA
                              " " RECOLLECT_BUILD_FLAGS;
}

}  // namespace recollect
