#!/usr/bin/env python3
"""Draws the test accuracy of every seed, a row for each variant.

    python3 docs/pictures/seeds.py > docs/pictures/seeds.svg

Reads the archives of mqar-128-32 and mqar-128-32-rest in results/reference. Needs Python alone. One file
serves light and dark pages: it follows the reader's system.
"""

import csv
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENTS = ["mqar-128-32", "mqar-128-32-rest"]
# Colour of marks, of text, the same two on a dark ground, and how lambda is made.
VARIANTS = {
    "adaptive-decay": ("#D15808", "#C04800", "#F0702A", "#F58548", "λ = softplus of an MLP"),
    "linear-decay": ("#2A9F92", "#007D70", "#2CCBBB", "#2CCBBB", "λ = softplus of a linear map"),
    "fixed-decay": ("#376BD0", "#2F62C4", "#7AA2EE", "#8FB2F2", "λ learned, the same for all tokens"),
    "softmax-level": ("#A40D7A", "#A40D7A", "#CF5FA6", "#DE7DBA", "λ = softmax over levels"),
    "gated-linear": ("#564700", "#564700", "#E3C04E", "#E3C04E", "λ = 1: one state, no levels"),
    "full-quadratic": ("#212532", "#212532", "#E6EDF5", "#E6EDF5", "causal softmax attention"),
}
WIDTH, LEFT, RIGHT = 800, 222, 590  # of the picture, and of the axis from 0 to 100 %
TOP, ROW, STEP = 106, 80, 3.6  # first row, height of a row, from one seed to the next
SOLVED, INTERVAL, MEDIAN = 650, 714, 784  # right ends of the columns of figures


def rows():
    """One for each variant: best weights on test examples, sorted by the number of solved seeds."""
    found = []
    for experiment in EXPERIMENTS:
        with open(ROOT / "results/reference" / experiment / "groups.csv", newline="") as file:
            found += [row for row in csv.DictReader(file)
                      if row["weights"] == "best" and row["split"] == "test"]
    order = list(VARIANTS)
    found.sort(key=lambda row: (-int(row["solved"]), order.index(row["variant"])))
    return found


def seeds_of(row):
    """(accuracy in per cent, whether the seed solved the task), from the worst to the best."""
    accuracies = [100 * float(value) for value in row["accuracy_values"].split()]
    solved = [not step.startswith(">") for step in row["solve_steps"].split()]
    return sorted(zip(accuracies, solved))


def text(x, y, words, kind, anchor="start"):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<path class="{kind}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def style():
    rules = [
        "text{font:12px 'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif}",
        ".title{font-size:17px;font-weight:bold}.name{font-size:14px;font-weight:bold}",
        ".lead{font-size:13.5px}.count{font-size:15px;font-weight:bold}.figure{font-size:13px}",
        ".title,.count,.figure{fill:#1F2328}.lead,.note{fill:#57606A}",
        ".grid,.chance{fill:none;stroke:#E8EBEE}.chance{stroke:#57606A;stroke-dasharray:3 2}",
        "circle{stroke-width:0.9}",
    ]
    dark = [
        ".title,.count,.figure{fill:#E6EDF3}.lead,.note{fill:#9EA7B3}",
        ".grid{stroke:#262C34}.chance{stroke:#9EA7B3}",
    ]
    for name, (mark, word, dark_mark, dark_word, _) in VARIANTS.items():
        for rule, colours in ((rules, (mark, word)), (dark, (dark_mark, dark_word))):
            rule.append(f".{name} circle{{stroke:{colours[0]};fill:none}}"
                        f".{name} .solved{{stroke:none;fill:{colours[0]}}}.{name} .name{{fill:{colours[1]}}}")
    return "\n".join(rules) + "\n@media(prefers-color-scheme:dark){\n" + "\n".join(dark) + "\n}"


def picture():
    found = rows()
    chance = 100 * float(found[0]["chance"])
    bottom = TOP + ROW * len(found)
    at = lambda percent: LEFT + (RIGHT - LEFT) * percent / 100
    title = "Seeds solve the task or stay at chance"
    lead = ("Associative recall, 32 pairs in 128 tokens, 6,000 steps. A dot is a seed; filled: it solved the task "
            "(99 %).")
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 62}" width="{WIDTH}" role="img">',
        f"<title>{title}</title>", f"<desc>{lead}</desc>", f"<style>\n{style()}\n</style>",
        text(16, 30, title, "title"), text(16, 52, lead, "lead"),
        text(at(chance), TOP - 8, f"chance {chance:.1f} %", "note", "middle"),
    ]
    for x, words in ((SOLVED, ("solved", f"of {found[0]['runs']}")), (INTERVAL, ("95 %", "interval")),
                     (MEDIAN, ("median", "step"))):
        out += [text(x, TOP - 22, words[0], "note", "end"), text(x, TOP - 8, words[1], "note", "end")]
    for percent in (0, 25, 50, 75, 100):
        out.append(line(at(percent), TOP, at(percent), bottom, "grid"))
        out.append(text(at(percent), bottom + 18, f"{percent}{' %' if percent == 100 else ''}", "note", "middle"))
    out.append(line(at(chance), TOP, at(chance), bottom, "chance"))
    for index, row in enumerate(found):
        top = TOP + ROW * index
        middle = top + ROW / 2
        name = row["variant"]
        steps = int(row["train_steps"])
        median = f"{float(row['solve_step_median']):,.0f}" if row["solve_step_median"] else f"&gt;{steps:,}"
        low, high = (round(100 * float(row[key])) for key in ("solved_low", "solved_high"))
        out += [line(16, top, MEDIAN, top, "grid"), f'<g class="{name}">',
                text(16, middle - 3, name, "name"), text(16, middle + 14, VARIANTS[name][-1], "note")]
        seeds = seeds_of(row)
        first = middle + STEP * (len(seeds) - 1) / 2
        for place, (accuracy, solved) in enumerate(seeds):
            kind = ' class="solved"' if solved else ""
            out.append(f'<circle{kind} cx="{at(accuracy):.1f}" cy="{first - STEP * place:.1f}" r="1.7"/>')
        out += ["</g>", text(SOLVED, middle + 5, row["solved"], "count", "end"),
                text(INTERVAL, middle + 5, f"{low}–{high} %", "figure", "end"),
                text(MEDIAN, middle + 5, median, "figure", "end")]
    out += [
        line(16, bottom, MEDIAN, bottom, "grid"), text(16, bottom + 18, "accuracy on test examples", "note"),
        text(16, bottom + 44, f"Best weights, {int(found[0]['examples']):,} test examples a seed; interval: Wilson; "
             f"median step: Kaplan-Meier. {', '.join(EXPERIMENTS)}", "note"), "</svg>"]
    return "\n".join(out)


print(picture())
