"""recollect from Python: examples, training, scores and weights, the same bytes as the program's.

    import recollect
    experiment = recollect.load("my.yaml", {"train.steps": 500})
    examples = experiment.cells[0].examples("test")      # NumPy arrays
    summary = recollect.run(experiment, "results/runs", progress=print)
    model = recollect.open_model(summary.folder(experiment.cells[0]))
    logits = model.logits(examples.ids, examples.positions)

Whatever computes releases the interpreter's lock, and Ctrl-C interrupts it. Errors are recollect.Error,
with the program's line and its exit status.
"""

import json as _json
import os as _os


def _import_core():
    """Threads of a training step that wait for each other spin for some tens of microseconds, as in the
    program: where nothing else is asked for. The library reads that once, when it is loaded."""
    name = "GOMP_SPINCOUNT"
    if name in _os.environ or "OMP_WAIT_POLICY" in _os.environ:
        from . import _recollect

        return _recollect
    _os.environ[name] = "2000"
    try:
        from . import _recollect
    finally:
        del _os.environ[name]
    return _recollect


_core = _import_core()

from ._recollect import (  # noqa: E402
    Cell,
    CellsFailed,
    ConfigurationError,
    Error,
    Examples,
    Experiment,
    FileError,
    Model,
    OutOfMemory,
    RunSummary,
    UsageError,
    __version__,
    build_info,
    open_model,
    read_weights,
    score,
    summary,
)

__all__ = [
    "Cell",
    "CellsFailed",
    "ConfigurationError",
    "Error",
    "Examples",
    "Experiment",
    "FileError",
    "Model",
    "OutOfMemory",
    "RunSummary",
    "UsageError",
    "__version__",
    "build_info",
    "load",
    "open_model",
    "parse",
    "read_weights",
    "rows",
    "run",
    "score",
    "summary",
    "table",
]


def load(path, overrides=None):
    """Read a configuration file, check it, and lay out its cells. Writes nothing.

    overrides: a dict from keys in full to values, {"train.steps": 500, "seeds": [0, 1]}; or a list of
    texts as --set takes them, ["train.steps=500"].
    Returns an Experiment. Raises ConfigurationError, FileError.
    """
    return _core._load(path, _override_texts(overrides))


def parse(text, overrides=None, name="<text>"):
    """The same from the text of a configuration; `name` stands for the file in messages."""
    return _core._parse(text, _override_texts(overrides), name)


def run(
    experiment,
    out="results/runs",
    *,
    progress=None,
    jobs=0,
    threads=0,
    shard=None,
    reuse=(),
    init=None,
    init_partial=False,
    checkpoint_seconds=60.0,
    checkpoint_steps=0,
    step_seconds=1.0,
):
    """Train and score the cells of an Experiment into the folder `out`, as `recollect run` does; cells
    that are done are skipped.

    progress: called with each event, a dict as a line of `run --json-lines`, in the thread that called
    run(). Where it returns False or raises, what runs is saved and the run stops there; so it does at
    Ctrl-C (KeyboardInterrupt). The same call goes on from there, to the same bytes.
    jobs, threads: cells at once and threads of each; 0: as many as there are cores. Results do not
    depend on them.
    shard: (i, n), the i-th of n parts of the cells, for machines that share no folder.
    reuse: folders of archives that finished cells are taken from.
    init: a file of named tensors that every cell starts from, as `run --init` takes it; init_partial:
    tensors that it lacks are drawn, those of no use passed over. Such cells are others:
    summary.experiment has them.
    checkpoint_seconds, checkpoint_steps: how often the state of a training is saved; 0: never.
    step_seconds: the time between two `step` events of a cell, at least; 0: every step.

    Returns a RunSummary. Raises CellsFailed, once the others are done and the tables are written, where
    cells failed or diverged; ConfigurationError, FileError.
    """
    summary_of_run = _core._run(
        experiment,
        out,
        progress,
        jobs,
        threads,
        shard,
        [reuse] if isinstance(reuse, (str, _os.PathLike)) else list(reuse),
        init,
        init_partial,
        checkpoint_seconds,
        checkpoint_steps,
        step_seconds,
    )
    if summary_of_run.problems:
        failed = len(summary_of_run.problems)
        error = CellsFailed(
            f"{failed} of {failed + summary_of_run.finished} cells failed or diverged; the others are done"
        )
        error.summary = summary_of_run
        raise error
    return summary_of_run


def rows(results, rows="groups", *, experiments=(), published=None, select=None):
    """The results of a folder as `recollect table` prints them: a list with a dict for each row.

    results: the `out` folder of runs, an archive, a folder of archives, or a table of cells (CSV).
    rows: "groups" (over seeds), "cells", "history" (every evaluation of every cell), or "published"
    (beside the figures of the file `published`).
    select: options whose value is chosen by validation, "train.learning_rate", as --select.
    Values are int, float, bool, str, None where absent, or lists; a list of solve steps has a pair
    (step, solved) for each seed.
    """
    header, values = _table(results, rows, experiments, published, select)
    return [dict(zip(header, row)) for row in values]


def table(results, rows="groups", *, experiments=(), published=None, select=None):
    """The same as a pandas.DataFrame. Raises ImportError where pandas is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "recollect.table() needs pandas (apt-get install python3-pandas, or pip install pandas); "
            "recollect.rows() gives the same as a list of dicts"
        ) from error
    header, values = _table(results, rows, experiments, published, select)
    return pandas.DataFrame(values, columns=header)


def _table(results, rows, experiments, published, select):
    named = [experiments] if isinstance(experiments, str) else list(experiments)
    return _core._table(results, rows, named, published, select)


def _override_texts(overrides):
    if overrides is None:
        return []
    if isinstance(overrides, dict):
        return [f"{key}={_yaml(value)}" for key, value in overrides.items()]
    return [overrides] if isinstance(overrides, str) else list(overrides)


def _yaml(value):
    """What JSON can say, YAML reads; numbers of NumPy are numbers, and paths are texts."""
    def plain(other):
        return _os.fspath(other) if isinstance(other, _os.PathLike) else other.tolist()

    return _json.dumps(value, default=plain, ensure_ascii=False)
