#!/usr/bin/env python3
"""The training step of a model in eager PyTorch, on CPU, to run beside ours.

  /usr/bin/python3 bench/pytorch_baseline.py           agreement, then timed rounds, taking turns
  /usr/bin/python3 bench/pytorch_baseline.py --check   agreement alone: golden data, exports of ours

Models: the variants adaptive-decay, gated-deltanet, adaptive-deltanet and mamba-2 (--variant).

Two sides of PyTorch, each in a process of its own:
  plain  as a competent user writes it, in PyTorch's own settings: one thread or all, whichever is
         faster, the whole batch in one call, batched products, Adam foreach, the last layer at
         scored positions only
  tuned  beyond that: an allocator that keeps its memory, the widest vectors, the batch cut over
         Python threads in the fastest way
Forms: chunkwise, with the fastest chunk; dense (T x T masks); and, of adaptive-decay, tuned only,
folded, which is chunkwise with the two shortcuts of ours that take algebra.

Exit status: 0 done; 1 the sides disagree, or one failed; 2 PyTorch or a fast BLAS is missing;
64 the command line is wrong.
"""

import argparse
import os
import sys
from pathlib import Path

from pytorch import environment

ROOT = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:
            self.exit(64, f"{self.prog}: {message}\n")

    def lengths(text: str) -> "list[int]":
        return [positive(part) for part in text.split(",")]

    def sides(text: str) -> "list[str]":
        if not set(text.split(",")) <= {"plain", "tuned"}:
            raise argparse.ArgumentTypeError(f"{text} is none of plain, tuned, plain,tuned")
        return sorted(set(text.split(",")))

    def positive(text: str) -> int:
        if int(text) < 1:
            raise ValueError
        return int(text)

    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--recollect", type=Path, default=ROOT / "recollect", metavar="FILE", help="our program")
    variants = ("adaptive-decay", "gated-deltanet", "adaptive-deltanet", "mamba-2")
    add("--variant", choices=variants, default=variants[0], help="the model (%(default)s)")
    add("--length", type=lengths, default=[256, 1024], metavar="T,...", help="tokens (256,1024)")
    add("--forms", type=sides, default=["plain", "tuned"], metavar="plain,tuned", help="(both)")
    add("--batch", type=positive, default=64, metavar="B", help="sequences of a step (%(default)s)")
    add("--pairs", type=positive, default=8, metavar="K", help="scored positions (%(default)s)")
    cores = len(os.sched_getaffinity(0))
    add("--threads", type=positive, default=cores, metavar="N", help="(%(default)s)")
    add("--rounds", type=positive, default=5, metavar="N", help="(%(default)s)")
    add("--seconds", type=float, default=1.5, help="of each side in a round (%(default)s)")
    add("--json", type=Path, metavar="FILE", help="write every round's times there as well")
    add("--check", action="store_true", help="test agreement, measure nothing")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    environment.widen_blas()
    try:
        import torch  # noqa: F401
    except ImportError:
        print(
            f"{sys.executable} has no PyTorch; apt-get install {environment.PACKAGES}, and start "
            "this with Debian's /usr/bin/python3",
            file=sys.stderr,
        )
        return 2
    if not given.check and not environment.blas():
        print(
            "PyTorch multiplies with the reference BLAS here, ten times slower than it could; "
            f"apt-get install {environment.PACKAGES}",
            file=sys.stderr,
        )
        return 2
    from pytorch import check, comparison, ours

    settings = ours.Settings(
        given.recollect, given.variant, given.length, given.batch, given.pairs, given.threads,
        given.rounds, given.seconds,
    )  # fmt: skip
    try:
        if given.check:
            return 0 if check.check(settings, ROOT / "tests" / "golden") else 1
        comparison.run(settings, given.forms, given.json)
    except (ours.Failure, OSError) as failure:
        print(f"{Path(__file__).name}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
