#pragma once

#include <filesystem>

#include "harness/config/settings.hpp"

namespace recollect {

/// Writes one batch and what a freshly initialised model makes of it, for programs in other
/// languages to run the same: safetensors, all float32.
///   every parameter   under its name (docs/model.md)
///   ids               (B, T)
///   positions         (B, K) ascending; labels (B, K): the answer is due at the position
///   loss              (1) mean over the B K scored positions, nats
///   gradient.NAME     of the loss, for every parameter
/// Loss and gradient are those of the fast path. The metadata names variant and options.
/// @throws IoError
void export_batch(const Cell& cell, const std::filesystem::path& path);

}  // namespace recollect
