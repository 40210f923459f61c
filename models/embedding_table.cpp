#include "models/embedding_table.hpp"

#include "models/choose_path.hpp"

namespace recollect {

template <class S>
bool EmbeddingTable<S>::pays(std::int64_t tokens) const noexcept {
  return first_layer_ != nullptr && choose_path::tabulate(tokens, embedding_.rows);
}

template <class S>
void EmbeddingTable<S>::begin_step(const S* theta, const StepShape& step) {
  active_ = pays(step.tokens);
  if (!active_) return;
  workspace_.clear();
  const ConstView<S> embedding = embedding_.in(theta);
  u_ = embedding.data();
  if (norm_ != nullptr) {
    const View<S> normal = workspace_.matrix(embedding.rows(), embedding.cols());
    const View<S> u = workspace_.matrix(embedding.rows(), embedding.cols());
    S* inverse_sd = workspace_.take(embedding.rows());
    norm_->forward(theta, embedding, normal, inverse_sd, u);
    u_ = u.data();
    normal_ = normal.data();
    inverse_sd_ = inverse_sd;
  }
  first_layer_->begin_step(theta, view(u_, embedding.rows(), embedding.cols()), step, workspace_);
}

template <class S>
void EmbeddingTable<S>::end_step(const S* theta, S* gradient, S* table_gradient, int threads) {
  if (!active_) return;
  const View<S> du = workspace_.matrix(embedding_.rows, embedding_.cols);
  first_layer_->end_step(theta, gradient, view(u_, du.rows(), du.cols()), table_gradient, du,
                         threads, workspace_);
  if (norm_ != nullptr) {
    norm_->backward(theta, gradient, view(normal_, du.rows(), du.cols()), inverse_sd_, du, du);
  }
  add(du, embedding_.in(gradient));
  active_ = false;
  workspace_.clear();
}

template class EmbeddingTable<float>;
template class EmbeddingTable<double>;

}  // namespace recollect
