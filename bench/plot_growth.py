#!/usr/bin/env python3
"""Draws time per token and workspace against sequence length.

    recollect bench --suite growth --csv > bench/growth.csv
    python3 bench/plot_growth.py bench/growth.csv bench/growth.svg

Needs Matplotlib (Debian: python3-matplotlib).
"""

import csv
import sys
from collections import defaultdict


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: plot_growth.py GROWTH.csv PICTURE.svg", file=sys.stderr)
        return 64
    try:
        import matplotlib
    except ImportError:
        print("plot_growth.py needs Matplotlib: apt-get install python3-matplotlib", file=sys.stderr)
        return 2
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "recollect"
    import matplotlib.pyplot as plt

    lines = defaultdict(list)  # (shortcuts, variant) -> [(T, microseconds a token, MiB)]
    with open(sys.argv[1], newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] != "ok":
                continue
            lines[row["shortcuts"] == "true", row["variant"]].append(
                (int(row["length"]), float(row["ns_per_token"]) * float(row["threads"]) * 1e-3,
                 float(row["workspace_bytes"]) / 2**20))

    figure, (time, memory) = plt.subplots(1, 2, figsize=(11, 4.5))
    variants = list(dict.fromkeys(variant for _, variant in lines))
    for (shortcuts, variant), points in lines.items():
        points.sort()
        look = {"color": f"C{variants.index(variant)}", "marker": ".",
                "linestyle": "-" if shortcuts else "--",
                "label": variant if shortcuts else None}
        time.plot([p[0] for p in points], [p[1] for p in points], **look)
        memory.plot([p[0] for p in points], [p[2] for p in points], **look)
    for axes, label in ((time, "microseconds a token, one thread"), (memory, "workspace, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="tokens of a sequence", ylabel=label)
        axes.set_xscale("log", base=2)
        axes.grid(True, which="both", alpha=0.3)
    time.legend(title="solid: with the shortcuts, dashed: without", fontsize="small",
                loc="upper left", bbox_to_anchor=(0.0, -0.14), ncol=3)
    figure.tight_layout()
    figure.savefig(sys.argv[2], metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
