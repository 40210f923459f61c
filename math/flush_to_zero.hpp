#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace recollect {

/// While it lives, this thread takes numbers too small for a normal one (float: below 1.2e-38) as
/// zero, operands and results. A gradient that fades along a long sequence passes through a stretch
/// of them, where processors are twenty times as slow. Where the processor has no such mode that we
/// know of, nothing is changed.
class FlushToZero {
 public:
  FlushToZero() noexcept : FlushToZero(true) {}
  /// @param on  false: nothing is changed
  explicit FlushToZero(bool on) noexcept : before_(mode()) {
    if (on) set_mode(before_ | kFlush);
  }
  ~FlushToZero() { set_mode(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
#if defined(__SSE2__)
  using Mode = unsigned int;
  static constexpr Mode kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zero
  static Mode mode() noexcept { return _mm_getcsr(); }
  static void set_mode(Mode mode) noexcept { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  using Mode = std::uint64_t;
  static constexpr Mode kFlush = Mode{1} << 24;  // FPCR.FZ
  static Mode mode() noexcept {
    Mode now = 0;
    asm volatile("mrs %0, fpcr" : "=r"(now));
    return now;
  }
  static void set_mode(Mode mode) noexcept { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  using Mode = unsigned int;
  static constexpr Mode kFlush = 0;
  static Mode mode() noexcept { return 0; }
  static void set_mode(Mode) noexcept {}
#endif

  Mode before_;
};

}  // namespace recollect
