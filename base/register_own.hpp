#pragma once

namespace recollect {

/// Registers the variants and tasks of a program of one's own (models/register.hpp,
/// tasks/register.hpp). Whoever links recollect::program or recollect::contracts, whose main()
/// calls it first, defines it; the libraries do not.
void register_own();

}  // namespace recollect
