#include <hwy/highway.h>

#include "harness/bench/probe.hpp"

namespace recollect {

double run_multiply_adds(long rounds, float& sink) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F);
  const auto summand = hn::Set(d, 0.001F);
  // Twelve chains hide the latency of two units with four cycles each, and fit into sixteen
  // registers. Each starts elsewhere: a compiler makes one of chains that are equal.
  auto s0 = hn::Iota(d, sink), s1 = hn::Iota(d, sink + 1.0F), s2 = hn::Iota(d, sink + 2.0F),
       s3 = hn::Iota(d, sink + 3.0F), s4 = hn::Iota(d, sink + 4.0F), s5 = hn::Iota(d, sink + 5.0F),
       s6 = hn::Iota(d, sink + 6.0F), s7 = hn::Iota(d, sink + 7.0F), s8 = hn::Iota(d, sink + 8.0F),
       s9 = hn::Iota(d, sink + 9.0F), s10 = hn::Iota(d, sink + 10.0F),
       s11 = hn::Iota(d, sink + 11.0F);
  for (long round = 0; round < rounds; ++round) {
    s0 = hn::MulAdd(s0, factor, summand);
    s1 = hn::MulAdd(s1, factor, summand);
    s2 = hn::MulAdd(s2, factor, summand);
    s3 = hn::MulAdd(s3, factor, summand);
    s4 = hn::MulAdd(s4, factor, summand);
    s5 = hn::MulAdd(s5, factor, summand);
    s6 = hn::MulAdd(s6, factor, summand);
    s7 = hn::MulAdd(s7, factor, summand);
    s8 = hn::MulAdd(s8, factor, summand);
    s9 = hn::MulAdd(s9, factor, summand);
    s10 = hn::MulAdd(s10, factor, summand);
    s11 = hn::MulAdd(s11, factor, summand);
  }
  s0 =
      hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)));
  s0 = hn::Add(s0, hn::Add(hn::Add(s8, s9), hn::Add(s10, s11)));
  sink = hn::GetLane(hn::SumOfLanes(d, s0));
  return 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

}  // namespace recollect
