#pragma once

namespace recollect::cli {

/// Bounds how long a thread of OpenMP spins while it waits for another one. Left alone, g++'s
/// library spins for milliseconds, which on a busy machine it takes from the very thread that it
/// waits for: steps become a hundred times slower. It reads its bound from the environment before
/// main() begins and offers no call, so the program starts itself once more with the bound set.
/// Does nothing where somebody has set GOMP_SPINCOUNT or OMP_WAIT_POLICY.
/// @param argv  of main()
void bound_spinning(char** argv);

}  // namespace recollect::cli
