#pragma once

namespace recollect {

/// The first instruction set that this program was built with and this processor lacks, by the name
/// that compilers give it ("avx512f"); empty where it has them all. Processors other than x86-64
/// are not asked: "" there.
///
/// Nobody needs to call it: a program that contains this file asks before anything else of it runs,
/// and where something is missing it ends with one line on the standard error and the exit status
/// ExitStatus::kProcessor, instead of dying of an illegal instruction somewhere.
[[nodiscard]] const char* missing_instruction_set() noexcept;

}  // namespace recollect
