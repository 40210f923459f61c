#!/usr/bin/env python3
"""Breaks the program in small ways, one at a time, and tells which check notices.

Usage: tests/mutations/run.py [--only NAME] [--list] [--again]

Works in a copy of the tree under build/mutations, built incrementally. Every mutation is a file, a text
that must occur in it exactly once, and the text that takes its place. For each, the program and the
quick tests are built and the tests run up to the first failure; only if all pass does the regression
baseline run. What is done is kept in build/mutations/results.csv, so a run that was stopped goes on;
--again starts anew. The table goes to tests/mutations/RESULTS.md and RESULTS.csv.
"""

import argparse
import csv
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutations"
TREE = WORK / "tree"
BUILD = TREE / "build" / "release"
HERE = ROOT / "tests" / "mutations"
SEED = 1  # of the drawn mutations
DRAWN = 10
TEST_SECONDS = 900  # a mutated loop may never end

# name, file, text, text instead
CHOSEN = [
    ("gradient of the level weights with its sign flipped", "models/level_weights/fixed.cpp",
     "scale_.row(gradient).array() += sums", "scale_.row(gradient).array() -= sums"),
    ("levels between chunks off by one", "models/linear_attention/chunkwise.cpp",
     "std::countr_zero(static_cast<std::uint64_t>(chunk)) + 1; }",
     "std::countr_zero(static_cast<std::uint64_t>(chunk)); }"),
    ("clean filler that holds the example's keys", "tasks/mqar.cpp",
     "if (substitute != 0) id = substitute;", "if (substitute < 0) id = substitute;"),
    ("label of another pair", "tasks/mqar.cpp",
     "out.labels.push_back(values[static_cast<std::size_t>(pair)]);",
     "out.labels.push_back(values[static_cast<std::size_t>(pairs_ - 1 - pair)]);"),
    ("clipping that does nothing", "harness/train/optimizer.cpp",
     "clip_ > 0.0 ? std::min", "clip_ < 0.0 ? std::min"),
    ("test examples from the training stream", "tasks/task.cpp",
     "return Stream::kTest;", "return Stream::kTrain;"),
    ("wrong chance level", "tasks/mqar.cpp",
     "return 1.0 / pairs_; }", "return 1.0 / vocab_; }"),
    ("Adam without bias correction of the first moment", "harness/train/optimizer.cpp",
     "rate / (1.0 - portable::power(beta1_, exponent))", "rate"),
    ("softmax attention that sees the next token", "models/attention/softmax_attention_simd.cpp",
     "return std::min(t - tile.key + 1, tile.keys);",
     "return std::min(t - tile.key + 2, tile.keys);"),
    ("best weights selected on test examples", "harness/train/trainer.cpp",
     "cell_.data_seed, Split::kValidation,", "cell_.data_seed, Split::kTest,"),
]

FLIPS = {" + ": " - ", " - ": " + ", " * ": " + ", " < ": " <= ", " <= ": " < ", " > ": " >= ",
         " >= ": " > ", " == ": " != ", " != ": " == ", " += ": " -= ", " -= ": " += ",
         " && ": " || ", " || ": " && "}
FLIP = re.compile("|".join(re.escape(flip) for flip in sorted(FLIPS, key=len, reverse=True)))
# Not code, or code in which these are no operators; text for people; sizes of scratch memory.
SKIP = re.compile(r"^\s*(//|#|template|\*)|\"|//|static_assert|operator")


def drawn():
    """Flips of one operator each, drawn from all in tasks/ and models/."""
    places = []
    for folder in ("tasks", "models"):
        for path in sorted((ROOT / folder).rglob("*.cpp")):
            text = path.read_text()
            start = 0
            for line in text.splitlines(keepends=True):
                if not SKIP.search(line):
                    places += [(path, text, start + match.start(), match.group())
                               for match in FLIP.finditer(line)]
                start += len(line)
    generator = random.Random(SEED)
    for path, text, at, flip in generator.sample(places, DRAWN):
        # The shortest text around the operator that occurs once.
        begin, end = at, at + len(flip)
        while text.count(text[begin:end]) > 1:
            begin, end = max(0, begin - 8), min(len(text), end + 8)
        mutated = text[begin:at] + FLIPS[flip] + text[at + len(flip):end]
        line = text.count("\n", 0, at) + 1
        code = text.splitlines()[line - 1].strip()
        name = f"line {line}: `{code}` with `{flip.strip()}` -> `{FLIPS[flip].strip()}`"
        yield name, str(path.relative_to(ROOT)), text[begin:end], mutated


def mutations():
    for kind, group in (("chosen", CHOSEN), ("drawn", list(drawn()))):
        for name, file, old, new in group:
            count = (ROOT / file).read_text().count(old)
            if count != 1:
                sys.exit(f"{file}: '{old}' occurs {count} times, not once; renew mutation '{name}'")
            yield {"kind": kind, "mutation": name, "file": file, "old": old, "new": new}


def run(command, log, timeout=None):
    with open(log, "w") as out:
        try:
            return subprocess.run(command, cwd=TREE, stdout=out, stderr=subprocess.STDOUT,
                                  timeout=timeout, check=False).returncode
        except subprocess.TimeoutExpired:
            return None


def copy_tree():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, check=True).stdout.decode()
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        source, target = ROOT / name, TREE / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue  # keeps its time, so that it is not compiled again
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def build():
    return run(["cmake", "--build", str(BUILD), "--target", "recollect", "recollect_tests"],
               WORK / "build.log")


def first_failure(log):
    text = pathlib.Path(log).read_text(errors="replace")
    found = re.findall(r"^TEST CASE:\s*(.*)$", text, re.MULTILINE)
    return found[0] if found else "the test program itself"


def outcome():
    """Builds the tree as it is and says which check fails first."""
    if build() != 0:
        return "compiler", ""
    status = run([str(BUILD / "recollect_tests"), "--abort-after=1", "--no-colors=true"],
                 WORK / "tests.log", TEST_SECONDS)
    if status is None:
        return "quick test", "does not end"
    if status != 0:
        return "quick test", first_failure(WORK / "tests.log")
    status = run(["cmake/regression.sh", str(BUILD / "recollect"), str(WORK / "regression")],
                 WORK / "regression.log", TEST_SECONDS)
    if status is None:
        return "regression", "does not end"
    if status != 0:
        lines = (WORK / "regression.log").read_text(errors="replace").splitlines()
        told = [line for line in lines if line.startswith(("worse: ", "cannot compare: "))]
        return "regression", told[0] if told else f"status {status}"
    return "nothing", ""


def read_done(path):
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {(row["file"], row["old"], row["new"]): row for row in csv.DictReader(file)}


def write_csv(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_tables(rows):
    kept = [{key: row[key] for key in ("kind", "mutation", "file", "caught_by", "what")}
            for row in rows]
    write_csv(HERE / "RESULTS.csv", kept)
    caught = sum(row["caught_by"] != "nothing" for row in rows)
    version = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                             capture_output=True, check=False).stdout.strip()
    lines = ["# Mutations", "",
             "Written by `tests/mutations/run.py`, which see: the program is broken in one place at a "
             "time, and the first check that fails stands beside it.", "",
             f"Code {version}: {caught} of {len(rows)} mutations were caught.", "",
             "| kind | file | mutation | caught by | what failed first |", "|---|---|---|---|---|"]
    for row in kept:
        cells = [row[key].replace("|", "\\|")
                 for key in ("kind", "file", "mutation", "caught_by", "what")]
        lines.append("| " + " | ".join(cells) + " |")
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutations whose name or file holds this text")
    parser.add_argument("--list", action="store_true", help="print the mutations and stop")
    parser.add_argument("--again", action="store_true", help="forget what is done")
    options = parser.parse_args()
    todo = [m for m in mutations() if options.only in m["mutation"] or options.only in m["file"]]
    if options.list:
        for mutation in todo:
            print(f"{mutation['kind']:7} {mutation['file']}: {mutation['mutation']}")
        return
    os.environ.setdefault("CCACHE_BASEDIR", str(TREE))
    WORK.mkdir(parents=True, exist_ok=True)
    results = WORK / "results.csv"
    done = {} if options.again else read_done(results)
    copy_tree()
    if run(["cmake", "--preset", "release", "-DRECOLLECT_TESTS=ON", "--log-level=WARNING"],
           WORK / "configure.log") != 0:
        sys.exit(f"cannot configure; see {WORK / 'configure.log'}")
    caught_by, what = outcome()
    if caught_by != "nothing":
        sys.exit(f"fails without any mutation: {caught_by}: {what}")
    for number, mutation in enumerate(todo, 1):
        key = (mutation["file"], mutation["old"], mutation["new"])
        if key not in done:
            start = time.monotonic()
            path = TREE / mutation["file"]
            original = path.read_text()
            path.write_text(original.replace(mutation["old"], mutation["new"]))
            try:
                caught_by, what = outcome()
            finally:
                path.write_text(original)
            done[key] = {**mutation, "caught_by": caught_by, "what": what}
            write_csv(results, list(done.values()))
            seconds = f", {time.monotonic() - start:.0f} s"
        else:
            seconds = ""
        row = done[key]
        print(f"[{number} of {len(todo)}{seconds}] {row['mutation']}: {row['caught_by']} "
              f"{row['what']}", flush=True)
    rows = [done[(m["file"], m["old"], m["new"])] for m in todo]
    if not options.only:
        write_tables(rows)
    sys.exit(any(row["caught_by"] == "nothing" for row in rows if row["kind"] == "chosen"))


if __name__ == "__main__":
    main()
