# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # How two variants learn to recall, and what lambda looks like
#
# Needs the module (`make python`), matplotlib (`python3-matplotlib`) and a minute. As a notebook:
# `jupytext --to notebook examples/notebook.py`; as a program: `.venv/bin/python examples/notebook.py`, which writes
# the two pictures beside the results.

# %%
import csv
import pathlib

import matplotlib.pyplot as plt
import numpy as np
import recollect

OUT = pathlib.Path("results/notebook")
COLOURS = {"fixed-decay": "#0072b2", "adaptive-decay": "#d55e00"}

# %% [markdown]
# Two variants, three seeds each. The callback prints as training goes on; interrupt the cell and run it again, and it
# goes on from where it was.

# %%
experiment = recollect.parse(
    """
    experiment: notebook
    task: {name: mqar, length: 64, pairs: 8}
    variants: [fixed-decay, adaptive-decay]
    train: {steps: 3000}
    eval: {lengths: [64, 128, 256]}
    seeds: [0, 1, 2]
    """
)


def progress(event):
    if event["event"] == "end":
        accuracy = event["accuracy"]  # none where the cell failed, or another process trained it
        known = "no test accuracy" if accuracy is None else f"test accuracy {accuracy:.3f}"
        print(f"{event['variant']}, seed {event['seed']}: {known}")


summary = recollect.run(experiment, OUT, progress=progress)
print(recollect.summary(OUT))

# %% [markdown]
# ## Curves: validation accuracy by step, a line a seed

# %%
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for cell in experiment.cells:
    with open(pathlib.Path(summary.folder(cell)) / "history.csv") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["step"]) for row in rows]
    accuracy = [100 * float(row["validation_accuracy"]) for row in rows]
    label = cell.label if cell.seed == 0 else None
    axes.plot(steps, accuracy, color=COLOURS[cell.label], linewidth=1.3, label=label)
axes.axhline(100 / 8, color="grey", linestyle=":", linewidth=1)
axes.text(experiment.cells[0].settings["train"]["steps"], 100 / 8, "chance ", ha="right", va="top", color="grey")
axes.set(xlabel="step", ylabel="validation accuracy, %", ylim=(0, 102), title="mqar, 64 tokens, 8 pairs")
axes.legend(frameon=False, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(OUT / "curves.png", dpi=150)

# %% [markdown]
# ## Lambda: how adaptive-decay weighs each level at each token of one test example
#
# Level 0 is the token itself, level l the 2^(l-1) tokens of a block before it. Where a level holds nothing its weight
# weighs nothing, and the map is grey.

# %%
cell = next(cell for cell in experiment.cells if cell.variant == "adaptive-decay")
model = recollect.open_model(summary.folder(cell))
example = cell.examples("test", count=1)
layers = model.inspect(example.ids[0])
tokens = np.arange(cell.length)
levels = np.arange(cell.levels)
holds = (levels == 0) | ((tokens[:, None] >> np.maximum(levels - 1, 0)) & 1 == 1)

figure, rows = plt.subplots(len(layers), 1, figsize=(7, 4.4), sharex=True, layout="constrained")
for number, (layer, axes) in enumerate(zip(layers, rows), 1):
    weights = np.ma.masked_where(~holds, layer["lambda"][0])
    axes.set_facecolor("#dddddd")
    image = axes.imshow(weights.T, aspect="auto", origin="lower", cmap="viridis", interpolation="nearest")
    axes.set(ylabel="level", yticks=levels)
    axes.set_title(f"layer {number}", pad=10)
    due = example.positions[0]
    axes.plot(due, np.full(len(due), cell.levels - 0.2), "v", color="black", markersize=4, clip_on=False, scaley=False)
    figure.colorbar(image, ax=axes, label="lambda")
rows[-1].set_xlabel("token (triangles: where an answer is due)")
figure.savefig(OUT / "lambda.png", dpi=150)
