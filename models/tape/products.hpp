#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// Where a product goes: a matrix of its own, or one that is there already. Sums of products and
/// matrices that are put together need no operation of their own. A matrix that is added to may not
/// have been read before.
template <class S>
struct Into {
  Output<S> to = {};
  bool add = false;
};

/// a (m, k) b (k, n)
template <class S>
Var<S> product(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into = {});
/// a (m, k) b^T, b (n, k): also a linear map of the rows of a, with b its weights.
template <class S>
Var<S> product_bt(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into = {});
/// a^T b, a (k, m), b (k, n)
template <class S>
Var<S> product_at(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into = {});

/// Lower triangular matrices, as everything causal is. Their values and gradients are kept in bands
/// of kBand rows up to band_end(row); inside a band, numbers right of the diagonal are zero; beyond
/// it nothing is there. They may go to the operations below alone.

/// The lower triangle of a b^T; a, b (n, k).
template <class S>
Var<S> lower_product(Tape<S>& tape, const Var<S>& a, const Var<S>& b);
/// l b, l lower (n, n), b (n, m).
template <class S>
Var<S> product_lower(Tape<S>& tape, const Var<S>& l, const Var<S>& b, const Into<S>& into = {});
/// l^T b, l lower.
template <class S>
Var<S> product_lower_t(Tape<S>& tape, const Var<S>& l, const Var<S>& b, const Into<S>& into = {});
/// a b, which is lower as both are.
template <class S>
Var<S> product_of_lowers(Tape<S>& tape, const Var<S>& a, const Var<S>& b);
/// (I + the part of a (n, n) below its diagonal)^-1, (n, n) lower.
template <class S>
Var<S> unit_lower_inverse(Tape<S>& tape, const Var<S>& a);

}  // namespace recollect::tape
