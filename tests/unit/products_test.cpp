// The fast single-precision products against the definition, in double.
#include "models/kernels/products.hpp"

#include <doctest/doctest.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

/// A (rows, cols) view of random numbers inside a wider matrix, so that rows are `cols + 3` apart.
struct Padded {
  Matrix<float> store;
  Index cols;
  Padded(std::uint64_t seed, Index rows, Index columns_wanted)
      : store(normal_matrix<float>(seed, rows, columns_wanted + 3)), cols(columns_wanted) {}
  [[nodiscard]] ConstView<float> read() const { return columns(read_of(store), 1, cols); }
  [[nodiscard]] View<float> write() { return columns(view_of(store), 1, cols); }
};

/// Every fused sum of k products of normals is this close to the exact one.
double tolerance(Index k) { return 1e-6 * (2.0 + static_cast<double>(k)); }

template <class Product>
void check(Index m, Index n, Index k, Padded a, Padded b, const Matrix<double>& exact,
           Product&& product) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  for (const Write write : {Write::kOverwrite, Write::kAccumulate}) {
    Padded c(3, m, n);
    const Matrix<float> before = c.store;
    product(a.read(), b.read(), c.write(), write);
    Matrix<double> expected = exact;
    if (write == Write::kAccumulate)
      expected += eigen(columns(read_of(before), 1, n)).cast<double>();
    if (m * n > 0) {
      CHECK((eigen(c.read()).cast<double>() - expected).cwiseAbs().maxCoeff() <= tolerance(k));
    }
    // Nothing outside the result is touched.
    CHECK(c.store.col(0) == before.col(0));
    CHECK(c.store.rightCols(2) == before.rightCols(2));
  }
}

TEST_CASE("products: the float kernels agree with the definition for any shape and stride") {
  for (const Index m : {1, 2, 3, 4, 5, 8, 9, 31, 64, 70}) {
    for (const Index n : {1, 2, 7, 15, 16, 17, 31, 33, 48, 64, 65, 130}) {
      for (const Index k : {1, 2, 7, 64, 127, 128, 129, 300}) {
        const Padded a(1, m, k), at(1, k, m), b(2, k, n), bt(2, n, k);
        const auto exact = [](const auto& left, const auto& right) {
          return Matrix<double>(left.template cast<double>() * right.template cast<double>());
        };
        check(m, n, k, a, b, exact(eigen(a.read()), eigen(b.read())), product_nn<float>);
        check(m, n, k, a, bt, exact(eigen(a.read()), eigen(bt.read()).transpose()),
              product_nt<float>);
        check(m, n, k, at, b, exact(eigen(at.read()).transpose(), eigen(b.read())),
              product_tn<float>);
      }
    }
  }
}

/// A lower triangular matrix: zeros right of the diagonal up to the end of the band, NaN behind it.
template <class S>
Matrix<S> banded(std::uint64_t seed, Index n) {
  Matrix<S> lower = normal_matrix<S>(seed, n, n).template triangularView<Eigen::Lower>();
  for (Index t = 0; t < n; ++t) {
    lower.row(t).tail(n - band_end(t, n)).setConstant(std::numeric_limits<S>::quiet_NaN());
  }
  return lower;
}

template <class S>
void check_triangular(Index n, Index k) {
  CAPTURE(n);
  CAPTURE(k);
  const Matrix<S> a = normal_matrix<S>(1, n, k);
  const Matrix<S> b = normal_matrix<S>(2, n, k);
  const Matrix<S> in_bands = banded<S>(3, n);
  const Matrix<S> lower = in_bands.template triangularView<Eigen::Lower>();
  constexpr S kUntouched = 99;
  Matrix<S> c = Matrix<S>::Constant(n, n, kUntouched);
  product_nt_lower<S>(read_of(a), read_of(b), view_of(c));
  const Matrix<S> square = a * b.transpose();
  for (Index t = 0; t < n; ++t) {
    CHECK((c.row(t) - square.row(t)).head(t + 1).cwiseAbs().maxCoeff() <=
          static_cast<S>(tolerance(k)));
    CHECK((c.row(t).tail(n - band_end(t, n)).array() == kUntouched).all());
  }
  Matrix<S> d(n, k);
  product_nn_lower<S>(read_of(in_bands), read_of(b), view_of(d));
  CHECK((d - lower * b).cwiseAbs().maxCoeff() <= static_cast<S>(tolerance(n)));
  product_tn_lower<S>(read_of(in_bands), read_of(b), view_of(d));
  CHECK((d - lower.transpose() * b).cwiseAbs().maxCoeff() <= static_cast<S>(tolerance(n)));
  product_nn_lower<S>(read_of(in_bands), read_of(b), view_of(d), Write::kAccumulate);
  product_tn_lower<S>(read_of(in_bands), read_of(b), view_of(d), Write::kAccumulate);
  CHECK((d - 2 * lower.transpose() * b - lower * b).cwiseAbs().maxCoeff() <=
        static_cast<S>(3 * tolerance(n)));
}

TEST_CASE("products: what was packed before gives the bits of what is packed on the way") {
  for (const Index n : {1, 7, 16, 33, 64, 65, 200}) {
    for (const Index k : {1, 3, 8, 13, 64, 130}) {
      CAPTURE(n);
      CAPTURE(k);
      const Padded a(1, 9, k), b(2, n, k);
      std::vector<float> packed(static_cast<std::size_t>(packed_size(n, k)));
      pack<float>(b.read(), packed.data());
      for (Index first = 0; first < n; first += kPackedRows) {
        Matrix<float> expected(9, n - first);
        product_nt<float>(a.read(), rows(b.read(), first, n - first), view_of(expected));
        Padded c(3, 9, n - first);
        const Matrix<float> before = c.store;
        product_packed<float>(a.read(), packed.data() + first * k, c.write());
        CHECK(eigen(c.read()) == expected);
        CHECK(c.store.col(0) == before.col(0));
        CHECK(c.store.rightCols(2) == before.rightCols(2));
      }
    }
  }
}

TEST_CASE("products: the triangular ones have the bits of the square ones") {
  for (const Index n : {1, 3, 16, 17, 50, 64, 200}) {
    for (const Index k : {1, 5, 16, 24, 33, 40, 48, 64, 70}) {
      CAPTURE(n);
      CAPTURE(k);
      const Matrix<float> b = normal_matrix<float>(2, n, k);
      const Matrix<float> in_bands = banded<float>(3, n);
      const Matrix<float> lower = in_bands.triangularView<Eigen::Lower>();
      for (const Write write : {Write::kOverwrite, Write::kAccumulate}) {
        Matrix<float> square = normal_matrix<float>(4, n, k);
        Matrix<float> c = square;
        product_nn<float>(read_of(lower), read_of(b), view_of(square), write);
        product_nn_lower<float>(read_of(in_bands), read_of(b), view_of(c), write);
        CHECK(c == square);
        product_tn<float>(read_of(lower), read_of(b), view_of(square), write);
        product_tn_lower<float>(read_of(in_bands), read_of(b), view_of(c), write);
        CHECK(c == square);
      }
    }
  }
}

TEST_CASE("products: the triangular ones agree with the square ones") {
  for (const Index n : {1, 2, 15, 16, 17, 33, 63, 64, 150}) {
    for (const Index k : {1, 3, 64, 130}) {
      check_triangular<float>(n, k);
      check_triangular<double>(n, k);
    }
  }
}

TEST_CASE("products: an element's bits depend on its row and column alone, not on the shape") {
  const Matrix<float> a = normal_matrix<float>(1, 70, 300);
  const Matrix<float> b = normal_matrix<float>(2, 300, 130);
  const Matrix<float> bt = b.transpose();
  Matrix<float> whole(70, 130);
  product_nn<float>(read_of(a), read_of(b), view_of(whole));
  for (const Index m : {1, 3, 8, 11}) {
    for (const Index n : {1, 16, 21, 64}) {
      Matrix<float> part(m, n);
      product_nn<float>(rows(read_of(a), 5, m), columns(read_of(b), 9, n), view_of(part));
      CHECK(part == whole.block(5, 9, m, n));
      product_nt<float>(rows(read_of(a), 5, m), rows(read_of(bt), 9, n), view_of(part));
      CHECK(part == whole.block(5, 9, m, n));
    }
  }
}

#if defined(__linux__)
/// A matrix behind whose last number lies a page that nobody may read.
class AtTheEdge {
 public:
  AtTheEdge(Index rows, Index cols)
      : pages_(static_cast<char*>(::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))),
        rows_(rows),
        cols_(cols) {
    REQUIRE(::mprotect(pages_ + kPage, kPage, PROT_NONE) == 0);
    fill(write(), 1.0F);
  }
  ~AtTheEdge() { (void)::munmap(pages_, 2 * kPage); }
  AtTheEdge(const AtTheEdge&) = delete;
  AtTheEdge& operator=(const AtTheEdge&) = delete;
  [[nodiscard]] View<float> write() {
    void* end = pages_ + kPage;
    return view(static_cast<float*>(end) - rows_ * cols_, rows_, cols_);
  }
  [[nodiscard]] ConstView<float> read() { return write(); }

 private:
  static constexpr std::size_t kPage = 65536;
  char* pages_;
  Index rows_;
  Index cols_;
};

TEST_CASE("products: nothing beyond the end of a matrix is read or written") {
  for (const Index n : {1, 2, 3, 5, 7, 9, 15, 17, 33, 70}) {
    CAPTURE(n);
    AtTheEdge a(n, n), b(n, n), c(n, n);
    const auto all = static_cast<float>(n);
    product_nn<float>(a.read(), b.read(), c.write());
    CHECK((eigen(c.read()).array() == all).all());
    product_nt<float>(a.read(), b.read(), c.write());
    CHECK((eigen(c.read()).array() == all).all());
    product_tn<float>(a.read(), b.read(), c.write());
    CHECK((eigen(c.read()).array() == all).all());
  }
}
#endif

}  // namespace
}  // namespace recollect
