#pragma once

#include <cassert>
#include <cstdint>
#include <type_traits>

#include "math/view.hpp"
#include "math/workspace.hpp"
#include "models/kernels/products.hpp"
#include "models/parameters.hpp"

/// A forward pass that knows its backward. Operations on matrices (models/tape/*.hpp) compute their
/// result at once and record how gradients flow through them; walking the record in reverse is the
/// backward pass (reverse accumulation: Griewank and Walther, Evaluating Derivatives, 2008). The
/// author of a mixer writes the forward pass alone.
///
/// Values, records and gradients lie in the caller's workspace, so nothing is allocated from the
/// second sequence on. There is one order of operations: the same bits whatever the threads.
namespace recollect::tape {

/// Buffers of gradients by their size. One that has been read serves the next matrix of the same
/// size, while it is still in the cache. It lives in the workspace.
template <class S>
class Pool {
 public:
  explicit Pool(Workspace<S>& workspace) : workspace_(&workspace) {}

  [[nodiscard]] S* take(Index count) {
    if (count == 0) return nullptr;
    List& list = list_of(count);
    if (list.free == nullptr) return workspace_->take(count);
    Free* found = list.free;
    list.free = found->next;
    return reinterpret_cast<S*>(found);  // NOLINT: it was an S before it was given
  }
  void give(S* buffer, Index count) {
    if (count == 0) return;
    List& list = list_of(count);
    list.free = new (static_cast<void*>(buffer)) Free{list.free};
  }
  /// Takes so many buffers of a size from the workspace now.
  void stock(Index size, Index count) {
    for (Index i = 0; i < count; ++i) give(workspace_->take(size), size);
  }

 private:
  struct Free {
    Free* next;
  };
  struct List {
    Index count;
    Free* free;
    List* next;
  };
  List& list_of(Index count) {
    for (List* list = lists_; list != nullptr; list = list->next) {
      if (list->count == count) return *list;
    }
    lists_ = workspace_->record(List{count, nullptr, lists_});
    return *lists_;
  }

  Workspace<S>* workspace_;
  List* lists_ = nullptr;
};

/// The gradient of one matrix that a forward pass made or read.
template <class S>
struct Node {
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;
  S* gradient = nullptr;    ///< null until something adds to it
  bool met = false;         ///< the gradient holds numbers, so whatever comes next is added
  bool pooled = false;      ///< the gradient goes back to its pool once it has been read
  Pool<S>* pool = nullptr;  ///< of a matrix that later segments read; null: the walk's own
  Index offset = -1;        ///< of a parameter: its place in the flat gradient
  Node* next = nullptr;     ///< the input or parameter before it
};

/// A matrix on the tape, or a block of one: value (rows, cols), and where its gradient is
/// accumulated. It is passed by value; copying copies no numbers.
template <class S>
class Var {
 public:
  Var() = default;
  Var(const S* data, Index stride, Node<S>* node, Index rows, Index cols)
      : data_(data), stride_(stride), node_(node), rows_(rows), cols_(cols) {}

  [[nodiscard]] View<const S> value() const { return {data_, rows_, cols_, stride_}; }
  [[nodiscard]] Index rows() const noexcept { return rows_; }
  [[nodiscard]] Index cols() const noexcept { return cols_; }
  [[nodiscard]] bool empty() const noexcept { return data_ == nullptr; }
  /// Null: a constant, which has no gradient.
  [[nodiscard]] Node<S>* node() const noexcept { return node_; }

  /// Blocks are arithmetic alone: nothing is recorded and nothing copied.
  [[nodiscard]] Var rows(Index first, Index count) const { return block(first, count, 0, cols_); }
  [[nodiscard]] Var columns(Index first, Index count) const {
    return block(0, rows_, first, count);
  }
  [[nodiscard]] Var block(Index row, Index rows, Index col, Index cols) const {
    assert(row >= 0 && rows >= 0 && row + rows <= rows_);
    assert(col >= 0 && cols >= 0 && col + cols <= cols_);
    Var part = *this;
    part.data_ += row * stride_ + col;
    part.rows_ = rows;
    part.cols_ = cols;
    part.row_ += row;
    part.col_ += col;
    return part;
  }

  /// Whether it is all of the matrix whose gradient it has.
  [[nodiscard]] bool whole() const noexcept {
    return node_ != nullptr && rows_ == node_->rows && cols_ == node_->cols;
  }
  /// Its part of the node's gradient.
  [[nodiscard]] View<S> gradient() const {
    return {node_->gradient + row_ * node_->stride + col_, rows_, cols_, node_->stride};
  }

 private:
  const S* data_ = nullptr;
  Index stride_ = 0;
  Node<S>* node_ = nullptr;
  Index rows_ = 0, cols_ = 0;
  Index row_ = 0, col_ = 0;  // in the node
};

/// A matrix that an operation fills: `view` to write, `var` to return.
template <class S>
struct Output {
  View<S> view;
  Var<S> var;

  [[nodiscard]] Output rows(Index first, Index count) const {
    return {recollect::rows(view, first, count), var.rows(first, count)};
  }
  [[nodiscard]] Output columns(Index first, Index count) const {
    return {recollect::columns(view, first, count), var.columns(first, count)};
  }
};

/// What an operation's backward pass writes to: all of `to`, overwritten or added to.
template <class S>
struct Slot {
  View<S> to;
  Write write;
  [[nodiscard]] bool adds() const noexcept { return write == Write::kAccumulate; }
  /// All of it, from a matrix of its shape.
  void take(ConstView<S> from) const {
    if (adds()) {
      add<const S, S>(from, to);
    } else {
      copy<const S, S>(from, to);
    }
  }
  /// One number of it.
  void take(Index row, Index col, S value) const {
    to(row, col) = adds() ? to(row, col) + value : value;
  }
};

/// The walk back, as operations see it.
template <class S>
class Backward {
 public:
  /// @param gradient  the model's flat gradient, null where there are no parameters
  Backward(Workspace<S>& workspace, S* gradient)
      : workspace_(workspace), gradient_(gradient), pool_(workspace) {}

  /// Whether a gradient is asked for.
  [[nodiscard]] static bool wants(const Var<S>& x) { return x.node() != nullptr; }
  /// Where x's gradient goes. The first to write overwrites, so nothing has to be zero beforehand;
  /// only a matrix that is first met through a block is cleared.
  [[nodiscard]] Slot<S> slot(const Var<S>& x) {
    Node<S>& node = *x.node();
    if (node.gradient == nullptr) {
      node.gradient = pool_of(node).take(node.rows * node.cols);
      node.stride = node.cols;
      node.pooled = true;
    }
    if (node.met) return {x.gradient(), Write::kAccumulate};
    node.met = true;
    if (x.whole()) return {x.gradient(), Write::kOverwrite};
    set_zero(View<S>(node.gradient, node.rows, node.cols, node.stride));
    return {x.gradient(), Write::kAccumulate};
  }
  void release(Node<S>& node) {
    if (node.pooled) pool_of(node).give(node.gradient, node.rows * node.cols);
    node.gradient = nullptr;
    node.met = node.pooled = false;
  }
  /// Room for an operation while it runs, uninitialised.
  class Scratch {
   public:
    Scratch(Pool<S>& pool, Index rows, Index cols)
        : pool_(pool), view_(recollect::view(pool.take(rows * cols), rows, cols)) {}
    ~Scratch() { pool_.give(view_.data(), view_.size()); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] View<S> view() const { return view_; }

   private:
    Pool<S>& pool_;
    View<S> view_;
  };
  /// For operations that wrap a layer with tensors of its own. What is taken from the workspace has
  /// to be released by the operation itself, which takes its slots and scratch before.
  [[nodiscard]] S* gradient() const noexcept { return gradient_; }
  [[nodiscard]] Workspace<S>& workspace() const noexcept { return workspace_; }
  [[nodiscard]] Scratch scratch(Index rows, Index cols) { return {pool_, rows, cols}; }

 private:
  [[nodiscard]] Pool<S>& pool_of(const Node<S>& node) {
    return node.pool == nullptr ? pool_ : *node.pool;
  }

  Workspace<S>& workspace_;
  S* gradient_;
  Pool<S> pool_;
};

/// The record of one sequence, or of one segment of it. It may be kept in the workspace.
template <class S>
class Tape {
 public:
  /// @param recording  false: no backward pass will follow, and nothing is recorded
  Tape(Workspace<S>& workspace, bool recording) : workspace_(&workspace), recording_(recording) {}

  [[nodiscard]] Workspace<S>& workspace() const noexcept { return *workspace_; }
  [[nodiscard]] bool recording() const noexcept { return recording_; }

  /// A matrix without a gradient.
  [[nodiscard]] Var<S> constant(ConstView<S> value) const {
    return {value.data(), value.stride(), nullptr, value.rows(), value.cols()};
  }
  /// A matrix whose gradient bind() names before backward().
  [[nodiscard]] Var<S> input(ConstView<S> value) {
    Node<S>* own = node(value.rows(), value.cols());
    if (own != nullptr) {
      own->next = inputs_;
      inputs_ = own;
    }
    return {value.data(), value.stride(), own, value.rows(), value.cols()};
  }
  /// A tensor of the model; its gradient is accumulated in the flat buffer that backward() is
  /// given.
  [[nodiscard]] Var<S> parameter(const S* theta, const Tensor& tensor) {
    const View<const S> value = tensor.in(theta);
    Node<S>* own = node(value.rows(), value.cols());
    if (own != nullptr) {
      own->offset = tensor.offset;
      own->next = parameters_;
      parameters_ = own;
    }
    return {value.data(), value.stride(), own, value.rows(), value.cols()};
  }
  /// An uninitialised matrix for the result of an operation.
  [[nodiscard]] Output<S> matrix(Index rows, Index cols) const {
    const View<S> view = workspace_->matrix(rows, cols);
    return {view, {view.data(), cols, node(rows, cols), rows, cols}};
  }
  /// The same where the caller has room for the result.
  [[nodiscard]] Output<S> matrix_in(View<S> room) const {
    return {room,
            {room.data(), room.stride(), node(room.rows(), room.cols()), room.rows(), room.cols()}};
  }

  /// For operations that multiply matrices: nominal multiply-adds, whatever is saved.
  void count(double multiply_adds) noexcept { multiply_adds_ += multiply_adds; }
  [[nodiscard]] double multiply_adds() const noexcept { return multiply_adds_; }

  /// Records an operation that made `output`, whole, or (begins = false) added to it. `run`
  /// (Backward<S>&, ConstView<S> d_output) sends the output's gradient on; it is kept in the
  /// workspace, so it may capture trivial objects only. An output that nothing reads costs nothing.
  template <class Run>
  void record(const Var<S>& output, const Run& run, bool begins = true) {
    if (!recording_) return;
    static_assert(std::is_trivially_copyable_v<Run> && std::is_trivially_destructible_v<Run>);
    last_ = workspace_->record(RecordOf<Run>(last_, output, begins, run));
  }

  /// Names where the gradient of an input() goes.
  /// @param add  whether numbers there are added to, or overwritten
  static void bind(const Var<S>& input, View<S> gradient, bool add) {
    Node<S>& node = *input.node();
    assert(gradient.rows() == node.rows && gradient.cols() == node.cols);
    node.gradient = gradient.data();
    node.stride = gradient.stride();
    node.met = add;
    node.pooled = false;
  }
  /// Sets the gradient that the walk begins with.
  static void seed(const Var<S>& output, ConstView<S> gradient) {
    Node<S>& node = *output.node();
    node.gradient = const_cast<S*>(gradient.data());  // NOLINT: records read it only
    node.stride = gradient.stride();
    node.met = true;
    node.pooled = false;
  }

  /// Walks back. Afterwards the gradients of all bound inputs and of the parameters are complete;
  /// an input that nothing has read is cleared.
  /// @param gradient  the model's flat gradient, accumulated; null where there are no parameters
  void backward(S* gradient) {
    const typename Workspace<S>::Scope scope(*workspace_);
    Backward<S> walk(*workspace_, gradient);
    for (Node<S>* node = parameters_; node != nullptr; node = node->next) {
      node->gradient = gradient + node->offset;
      node->stride = node->cols;
      node->met = true;
    }
    for (const Record* record = last_; record != nullptr; record = record->previous) {
      Node<S>& node = *record->output.node();
      if (!node.met) continue;
      record->run(*record, walk);
      if (record->begins) walk.release(node);
    }
    for (Node<S>* node = inputs_; node != nullptr; node = node->next) {
      if (node->met || node->gradient == nullptr) continue;
      set_zero(View<S>(node->gradient, node->rows, node->cols, node->stride));
    }
  }

 private:
  struct Record {
    Record* previous;
    Var<S> output;
    bool begins;
    void (*run)(const Record&, Backward<S>&);
  };
  template <class Run>
  struct RecordOf : Record {
    Run body;
    RecordOf(Record* before, const Var<S>& made, bool begins_it, const Run& own)
        : Record{before, made, begins_it,
                 [](const Record& record, Backward<S>& walk) {
                   const auto& self = static_cast<const RecordOf&>(record);
                   self.body(walk, ConstView<S>(self.output.gradient()));
                 }},
          body(own) {}
  };

  [[nodiscard]] Node<S>* node(Index rows, Index cols) const {
    return recording_ ? workspace_->record(Node<S>{rows, cols}) : nullptr;
  }

  Workspace<S>* workspace_;
  bool recording_;
  double multiply_adds_ = 0.0;
  Record* last_ = nullptr;
  Node<S>* inputs_ = nullptr;
  Node<S>* parameters_ = nullptr;
};

}  // namespace recollect::tape
