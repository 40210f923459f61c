#pragma once

#include <functional>

namespace recollect {

/// A program that holds variants to what holds for every one, whatever it computes:
///   PROGRAM [VARIANT...]      runs the contracts on some variants, or on all
///   PROGRAM --learn VARIANT   trains a small model; status 1 unless it recalls
/// @param before  runs first: registers variants (models/register.hpp)
/// @returns 0: all hold; 1: some do not; 64: an unknown variant, or one that is registered twice
int contracts_main(int count, char** arguments, const std::function<void()>& before = {});

}  // namespace recollect
