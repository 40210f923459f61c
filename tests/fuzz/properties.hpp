#pragma once

#include <string>
#include <string_view>

namespace recollect {

/// What became of one input.
struct Outcome {
  bool accepted = false;
  std::string failure;  ///< the property that does not hold; "" where all do
};

/// What must hold for any bytes at all. The fuzzers call these on bytes that they make up, the
/// quick tests on the inputs kept in tests/fuzz/seeds. Everywhere: a refusal is an Error of one
/// printable line, and any other exception is let through, as a finding.

/// Arrays: a .npy file; a .npz file; and .npy files one behind the other, packed under the names of
/// examples, so that what lies behind the checksums of an archive is reached too. Accepted arrays
/// are bytes of the file, as many as their shape needs, no more is unpacked than may be, and
/// written and read again they are the same. Accepted examples keep the rules of examples. No
/// refusal is long.
[[nodiscard]] Outcome check_arrays(std::string_view bytes);

/// A configuration. Lines "#set KEY=VALUE" are its overrides. Its YAML, written in flow style,
/// reads back as the same tree; where it is accepted, round_trip_failure() finds nothing: what
/// `check` prints gives the same cells with the same hashes.
[[nodiscard]] Outcome check_configuration(std::string_view bytes);

/// A table. Written and read again it is the same; and so is what its rows mean as a history,
/// scores, slices or published figures, under the header of such a file.
[[nodiscard]] Outcome check_table(std::string_view bytes);

/// A file of weights or a training state of a small model, as it stands and with the length of its
/// header and its checksum set right, which no fuzzer guesses. Accepted tensors are the bytes of
/// the file, an accepted state has the right checksum, and both, written and read again, are the
/// same.
[[nodiscard]] Outcome check_weights_file(std::string_view bytes);

}  // namespace recollect
