#pragma once

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// Puts the tensors of `train.init`, where there are any, in the place of the drawn weights.
/// @throws IoError where the file is not there, a tensor has another shape than the model's, or,
/// without train.init_partial, one is missing or is none of the model's
void put_initial_weights(const Cell& cell, SequenceModel<float>& model);

/// Fails where training a cell would fail so. @throws IoError
void check_initial_weights(const Experiment& experiment);

}  // namespace recollect
