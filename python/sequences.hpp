#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/sequence_model.hpp"

namespace recollect::python {

/// Sequences of ids and the positions that are asked for, checked, and our own: nobody changes them
/// while they are computed with.
struct Sequences {
  bool batched = false;                              ///< given as (N, T), not (T)
  std::vector<std::vector<std::int32_t>> ids;        ///< (N) of any lengths
  std::vector<std::vector<std::int32_t>> positions;  ///< (N) ascending
  std::vector<std::int32_t> labels;                  ///< zeros, for as many positions as any has
  std::size_t scored = 0;                            ///< R
  std::int64_t longest = 0;                          ///< tokens of the longest
  std::int64_t tokens = 0;                           ///< of all

  [[nodiscard]] SequenceInput input(std::size_t i) const {
    return {ids[i], positions[i], std::span(labels).first(positions[i].size())};
  }
  /// N R
  [[nodiscard]] std::size_t places() const noexcept { return ids.size() * scored; }
  /// (N, R), or (R) of one sequence
  [[nodiscard]] std::vector<pybind11::ssize_t> shape() const;
};

/// @param ids        (N, T) or (T) integers in 0..vocab-1, -1 behind the last token of a sequence
/// @param positions  (N, R) or (R), ascending, -1 behind the last; None: every position
/// @throws UsageError that names what is wrong, and where
[[nodiscard]] Sequences sequences_of(const pybind11::object& ids, const pybind11::object& positions,
                                     std::int64_t vocab);

}  // namespace recollect::python
