"""Arrays and weights as NumPy sees them: numpy_test.py PROGRAM SOURCES. Status 77: without NumPy."""

import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("skipped: python3 has no numpy (python3-numpy)")
    sys.exit(77)

program, sources = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(sources) / "examples"))
import numpy_logits  # noqa: E402

CONFIG = """experiment: numpy
task: {name: mqar, length: 32, pairs: 3, vocab: 24}
model: {width: 16, layers: 2, heads: 2}
variants: [fixed-decay]
train: {examples: 64, validation_examples: 20, batch: 16, steps: 60, eval_every: 30, learning_rate: 0.01}
eval: {examples: 20}
"""


def recollect(*arguments, status=0):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done.stdout


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    config, runs = folder / "numpy.yaml", folder / "runs"
    config.write_text(CONFIG)
    recollect("run", config, "--out", runs, "--quiet")

    # The three forms are the same to NumPy.
    for out in ("test.npz", "test"):
        recollect("generate", config, "--split", "test", "--out", folder / out)
    test = np.load(folder / "test.npz")
    for array in test.files:
        if array != "settings":
            assert (np.load(folder / "test" / f"{array}.npy") == test[array]).all(), array
    assert str(test["settings"]) == (folder / "test" / "settings.yaml").read_text()
    assert test["ids"].shape == (20, 32) and test["ids"].dtype == np.int32

    # The reader in NumPy reproduces the logits of trained weights, also beyond the trained levels.
    (weights,) = runs.glob("cells/*/final.safetensors")
    for length in (32, 128):
        examples, logits = folder / f"{length}.npz", folder / f"logits{length}.npz"
        recollect("generate", config, "--split", "test", "--length", length, "--out", examples)
        score = ["score", config, "--label", "again", "--seed", 0, "--out", runs, "--length", length]
        recollect(*score, "--checkpoint", weights, "--logits", logits)
        apart = numpy_logits.main(weights, examples, logits)
        assert apart < 1e-5, apart
        spread = np.load(logits)["logits"].std()
        assert spread > 0.1, spread  # numbers that can be told apart

    # What NumPy saves is scored: packed, unpacked, as a folder; what it saves wrongly is not.
    labels, digest = test["labels"], str(test["digest"])
    half = labels.copy()
    half[:, 0] = (half[:, 0] + 1) % 24
    expected = f"accuracy {(half == labels).mean():.4f}"
    np.savez(folder / "a.npz", predictions=half, digest=digest)
    np.savez_compressed(folder / "b.npz", predictions=half, digest=digest)
    (folder / "c").mkdir()
    np.save(folder / "c" / "predictions.npy", half)
    np.save(folder / "c" / "digest.npy", digest)
    for file in ("a.npz", "b.npz", "c"):
        score = ["score", config, "--label", "theirs", "--seed", 0, "--out", folder / "new"]
        assert expected in recollect(*score, "--predictions", folder / file), file
    np.savez(folder / "d.npz", predictions=half.astype(np.int64), digest=digest)
    np.savez(folder / "e.npz", predictions=np.asfortranarray(half), digest=digest)
    for file in ("d.npz", "e.npz"):
        score = ["score", config, "--label", "refused", "--seed", 0, "--out", folder / "none"]
        recollect(*score, "--predictions", folder / file, status=5)
        assert not (folder / "none").exists()
