#!/usr/bin/python3
"""Scores the answers of a PyTorch model, which train_on_our_examples.py wrote, and prints them in one table with
our variants, trained and scored on the same examples.

  score_beside_ours.py [--predictions predictions.npz] [--steps N] [--out FOLDER]
"""

import argparse
import pathlib

import numpy as np
import recollect

CONFIG = pathlib.Path(__file__).with_name("recall.yaml")
LABEL = "PyTorch model"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", default="predictions.npz")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", default="results/runs")
    options = parser.parse_args()

    experiment = recollect.load(CONFIG, {"train.steps": options.steps})
    recollect.run(experiment, options.out)

    cell = experiment.cells[0]
    test = cell.examples("test")
    with np.load(options.predictions) as file:
        if file["digest"] != test.digest:
            raise SystemExit(f"{options.predictions} is of other examples than those of {CONFIG.name}")
        answers = file["predictions"]
    # The same without Python:  recollect score recall.yaml --predictions predictions.npz --label ... --out ...
    figures = recollect.score(cell, test, answers, label=LABEL, out=options.out)
    print(f"{LABEL}: accuracy {figures['accuracy']:.6f}, chance {figures['chance']:.6f}, in {figures['folder']}")

    print(f"\n{'label':<18}{'accuracy':>10}{'exact match':>13}{'steps':>8}")
    for row in recollect.rows(options.out, "cells", experiments=experiment.name):
        if row["split"] == "test" and row["weights"] == "best":
            print(f"{row['label']:<18}{row['accuracy']:>10.4f}{row['exact_match']:>13.4f}{row['steps'] or '':>8}")


if __name__ == "__main__":
    main()
