// Built for the oldest processor (base/CMakeLists.txt), and with nothing but the C library: inline
// functions of C++ headers may end up as copies made for a newer one.
#include "base/processor.hpp"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <unistd.h>
#endif

#include "base/build_info.hpp"

namespace recollect {

#if defined(__x86_64__)

namespace {

constexpr int kExitProcessor = 69;  // ExitStatus::kProcessor; its header is C++ at length

struct InstructionSet {
  const char* name;
  bool here;
};

void print(const char* text) {
  // There is nobody to tell that this failed.
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

// Before all static initialisers of this program, which may use what is missing.
[[gnu::constructor(101)]] void refuse_other_processors() {
  const char* missing = missing_instruction_set();
  if (*missing == '\0') return;
  print("recollect: built for a processor with ");
  print(missing);
  print(
      ", which this one lacks; build it here (make), or with the preset 'portable' for every "
      "x86-64-v3 processor\n");
  _exit(kExitProcessor);
}

}  // namespace

const char* missing_instruction_set() noexcept {
  __builtin_cpu_init();
  // In the order of the bits of kInstructionSets.
  const InstructionSet sets[] = {
      {"sse3", __builtin_cpu_supports("sse3") != 0},
      {"ssse3", __builtin_cpu_supports("ssse3") != 0},
      {"sse4.1", __builtin_cpu_supports("sse4.1") != 0},
      {"sse4.2", __builtin_cpu_supports("sse4.2") != 0},
      {"popcnt", __builtin_cpu_supports("popcnt") != 0},
      {"avx", __builtin_cpu_supports("avx") != 0},
      {"avx2", __builtin_cpu_supports("avx2") != 0},
      {"fma", __builtin_cpu_supports("fma") != 0},
      {"bmi", __builtin_cpu_supports("bmi") != 0},
      {"bmi2", __builtin_cpu_supports("bmi2") != 0},
      {"avx512f", __builtin_cpu_supports("avx512f") != 0},
      {"avx512cd", __builtin_cpu_supports("avx512cd") != 0},
      {"avx512bw", __builtin_cpu_supports("avx512bw") != 0},
      {"avx512dq", __builtin_cpu_supports("avx512dq") != 0},
      {"avx512vl", __builtin_cpu_supports("avx512vl") != 0},
      {"avx512vbmi", __builtin_cpu_supports("avx512vbmi") != 0},
      {"avx512ifma", __builtin_cpu_supports("avx512ifma") != 0},
      {"avx512vnni", __builtin_cpu_supports("avx512vnni") != 0},
  };
  std::uint32_t bit = 1;
  for (const InstructionSet& set : sets) {
    if ((kInstructionSets & bit) != 0 && !set.here) return set.name;
    bit <<= 1;
  }
  return "";
}

#else

const char* missing_instruction_set() noexcept { return ""; }

#endif

}  // namespace recollect
