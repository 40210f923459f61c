#pragma once

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// Puts the tensors of `train.init`, where there are any, in the place of the drawn weights.
/// @throws IoError where the file is not there, a tensor has another shape than the model's, or,
/// without train.init_partial, one is missing or is none of the model's
void put_initial_weights(const Cell& cell, SequenceModel<float>& model);

/// Fails where that would fail for a model of this layout. @throws IoError
void check_initial_weights(const Cell& cell, const ParameterLayout& layout);

}  // namespace recollect
