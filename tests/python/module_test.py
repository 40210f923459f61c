"""The Python module beside the program: the same bytes, lines, tables and numbers."""

import csv
import io
import json
import os
import signal
import sys
import threading
import unittest

import numpy as np
import recollect

from setting import TINY, FolderTest


class Configuration(FolderTest):
    def test_cells_and_settings_are_those_of_the_program(self):
        experiment = recollect.load(self.config, {"train.steps": 20, "seeds": [3, 4]})
        self.assertEqual([cell.seed for cell in experiment.cells], [3, 4, 3, 4])
        cell = experiment.cells[0]
        self.assertEqual((cell.number, cell.label, cell.task, cell.length, cell.vocab), (1, "adaptive-decay", "mqar", 16, 16))
        self.assertEqual(cell.layers, ["adaptive-decay", "adaptive-decay"])
        self.assertEqual(cell.settings["train"]["steps"], 20)
        self.assertEqual(cell.settings["train"]["betas"], [0.9, 0.999])
        self.assertEqual(cell.settings["task"]["layout"], "packed")
        self.assertIsNone(cell.settings["train"]["stop_at"])
        printed = self.program("check", self.config, "--set", "train.steps=20", "--set", "seeds=[3, 4]").stdout
        self.assertEqual(experiment.yaml.split(), printed[: len(experiment.yaml)].split())
        self.assertEqual(recollect.parse(cell.yaml).cells[0].hash, cell.hash)
        self.assertEqual(recollect.load(self.config, ["train.steps=20"]).cells[0].settings["train"]["steps"], 20)

    def test_what_the_program_warns_of_is_a_warning(self):
        experiment = recollect.load(self.config)
        (line,) = experiment.warnings
        with self.assertWarns(UserWarning) as caught:
            recollect.run(experiment, self.folder / "runs")
        self.assertEqual(str(caught.warning), line)
        self.assertIn(f"warning: {line}\n", self.program("run", self.config, "--out", "program").stderr)

    def test_paths_and_any_character_are_texts(self):
        name = self.folder / "weights-\U0001f600.safetensors"
        with self.assertRaises(recollect.FileError) as caught:
            recollect.load(self.config, {"train.init": name})
        self.assertIn(str(name), str(caught.exception))

    def test_numbers_of_numpy_are_numbers(self):
        experiment = recollect.load(self.config, {"train.steps": np.int64(7), "train.learning_rate": 1e-8})
        self.assertEqual(experiment.cells[0].settings["train"]["steps"], 7)
        self.assertEqual(experiment.cells[0].settings["train"]["learning_rate"], 1e-8)


class Errors(FolderTest):
    def assert_same_line(self, raised, done):
        self.assertEqual(f"recollect: {raised}\n", done.stderr)
        self.assertEqual(raised.status, done.returncode)

    def test_an_error_has_the_line_and_the_status_of_the_program(self):
        with self.assertRaises(recollect.ConfigurationError) as caught:
            recollect.load(self.config, {"task.pairs": 40})
        self.assert_same_line(caught.exception, self.program("check", self.config, "--set", "task.pairs=40", status=3))
        with self.assertRaises(recollect.FileError) as caught:
            recollect.load("absent.yaml")
        self.assert_same_line(caught.exception, self.program("check", "absent.yaml", status=5))
        with self.assertRaises(recollect.FileError) as caught:
            recollect.rows("absent")
        self.assert_same_line(caught.exception, self.program("table", "absent", status=5))
        damaged = self.folder / "damaged.safetensors"
        damaged.write_bytes(b"\xff" * 40)
        with self.assertRaises(recollect.FileError) as caught:
            recollect.open_model(damaged, recollect.load(self.config))
        self.assert_same_line(caught.exception, self.program("inspect", damaged, self.config, status=5))

    def test_classes(self):
        for name in ("ConfigurationError", "FileError", "UsageError", "OutOfMemory", "CellsFailed"):
            self.assertTrue(issubclass(getattr(recollect, name), recollect.Error), name)
        self.assertTrue(issubclass(recollect.ConfigurationError, ValueError))
        self.assertTrue(issubclass(recollect.FileError, OSError))

    def test_a_cell_that_diverges_is_an_error_once_the_others_are_done(self):
        config = TINY.replace("variants: [adaptive-decay, full-quadratic]", "variants: [adaptive-decay]")
        config = config.replace("eval_every: 10}", "eval_every: 10, weight_decay: 10, clip: 0}")
        experiment = recollect.parse(config + "grid: {train.learning_rate: [1.0e-3, 10]}\n")
        with self.assertRaises(recollect.CellsFailed) as caught:
            recollect.run(experiment, self.folder / "runs")
        self.assertEqual(str(caught.exception), "1 of 2 cells failed or diverged; the others are done")
        self.assertEqual(caught.exception.status, 4)
        self.assertEqual(len(caught.exception.summary.problems), 1)
        self.assertEqual(len(caught.exception.summary.tables), 2)


class Runs(FolderTest):
    def test_the_bytes_are_those_of_the_program(self):
        self.program("run", self.config, "--out", "program", "--jobs", "2")
        events = []
        summary = recollect.run(recollect.load(self.config), self.folder / "module", progress=events.append, threads=2)
        self.assertEqual((summary.finished, summary.problems, summary.stopped), (2, [], False))
        self.assert_same_bytes(self.folder / "program", self.folder / "module")
        names = [event["event"] for event in events]
        self.assertEqual([names.count(name) for name in ("plan", "start", "evaluation", "end")], [1, 2, 6, 2])
        again = []
        recollect.run(recollect.load(self.config), self.folder / "module", progress=again.append)
        self.assertEqual([event["event"] for event in again], ["plan"])

    def test_events_are_those_of_json_lines(self):
        printed = self.program("run", self.config, "--out", "program", "--json-lines", "--jobs", "1").stdout
        lines = [json.loads(line) for line in printed.splitlines()]
        events = []
        recollect.run(recollect.load(self.config), self.folder / "module", progress=events.append, jobs=1)
        kinds = ("plan", "start", "evaluation", "end")
        self.assertEqual([set(e) for e in events if e["event"] in kinds], [set(e) for e in lines if e["event"] in kinds])
        losses = [[e["loss"] for e in of if e["event"] == "evaluation"] for of in (events, lines)]
        self.assertEqual(*losses)

    def test_a_callback_stops_and_the_same_call_goes_on_to_the_same_bytes(self):
        experiment = recollect.load(self.config)
        recollect.run(experiment, self.folder / "whole")
        stops = [20, 10]
        seen = []

        def until(event):
            seen.append(event)
            return not (event["event"] == "evaluation" and stops and event["step"] == stops[-1])

        while stops:
            summary = recollect.run(experiment, self.folder / "stopped", progress=until, jobs=1)
            self.assertTrue(summary.stopped)
            self.assertEqual(summary.tables, [])
            self.assertEqual(seen[-1]["event"], "stop")
            self.assertEqual(seen[-1]["step"], stops.pop())
        self.assertFalse(recollect.run(experiment, self.folder / "stopped", progress=until).stopped)
        self.assertEqual([e["step"] for e in seen if e["event"] == "resume"], [10, 20])
        self.assert_same_bytes(self.folder / "whole", self.folder / "stopped")

    def test_what_a_callback_raises_comes_out_and_the_run_can_go_on(self):
        experiment = recollect.load(self.config)
        recollect.run(experiment, self.folder / "whole")

        def fail(event):
            if event["event"] == "evaluation":
                raise LookupError("of the caller")

        with self.assertRaisesRegex(LookupError, "of the caller"):
            recollect.run(experiment, self.folder / "stopped", progress=fail)
        recollect.run(experiment, self.folder / "stopped")
        self.assert_same_bytes(self.folder / "whole", self.folder / "stopped")

    def test_ctrl_c_stops_and_the_same_call_goes_on(self):
        experiment = recollect.load(self.config, {"train.steps": 600, "train.eval_every": 300})
        out = self.folder / "runs"
        saved = out / "cells" / experiment.cells[0].hash / "state.safetensors"
        over = threading.Event()

        def interrupt():
            while not saved.exists() and not over.wait(0.001):
                pass
            os.kill(os.getpid(), signal.SIGINT)

        other = threading.Thread(target=interrupt)
        other.start()
        with self.assertRaises(KeyboardInterrupt):
            recollect.run(experiment, out, jobs=1, checkpoint_steps=1)
        over.set()
        other.join()
        self.assertTrue(saved.exists())
        resumed = []
        recollect.run(experiment, out, progress=resumed.append)
        self.assertIn("resume", [event["event"] for event in resumed])
        recollect.run(experiment, self.folder / "whole")
        self.assert_same_bytes(self.folder / "whole", out)

    def test_init_starts_from_a_file_as_the_program_does(self):
        experiment = recollect.load(self.config, {"variants": ["adaptive-decay"]})
        (cell,) = experiment.cells
        first = recollect.run(experiment, self.folder / "first")
        weights, _ = recollect.read_weights(os.path.join(first.folder(cell), "final.safetensors"))
        np.savez(self.folder / "whole.npz", **weights)
        np.savez(self.folder / "part.npz", **{"embedding.weight": weights["embedding.weight"], "more": np.ones(3, np.float32)})
        command = ("run", self.config, "--set", "variants=[adaptive-decay]", "--out")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.program(*command, "program", "--init", "whole.npz")
        summary = recollect.run(experiment, self.folder / "module", init="whole.npz")
        self.assert_same_bytes(self.folder / "program", self.folder / "module", least=8)
        (made,) = summary.experiment.cells
        self.assertNotEqual(made.hash, cell.hash)
        self.assertEqual(summary.folder(cell), summary.folder(made))
        self.assertEqual(recollect.open_model(summary.folder(cell)).cell.hash, made.hash)
        self.program(*command, "program part", "--init", "part.npz", "--init-partial")
        recollect.run(experiment, "module part", init=self.folder / "part.npz", init_partial=True)
        self.assert_same_bytes(self.folder / "program part", self.folder / "module part", least=8)

    def test_what_is_wrong_with_init_is_the_line_of_the_program(self):
        overrides = {"variants": ["adaptive-decay"]}
        settings = ["--set", "variants=[adaptive-decay]"]
        (cell,) = recollect.load(self.config, overrides).cells
        weights = dict(cell.initial_model().weights)
        whole, *others = (self.folder / f"{name}.npz" for name in ("whole", "part", "more", "shape", "infinite"))
        np.savez(whole, **weights)
        np.savez(others[0], **{"embedding.weight": weights["embedding.weight"]})
        np.savez(others[1], **weights, more=np.ones(3, np.float32))
        np.savez(others[2], **{**weights, "embedding.weight": np.ones((3, 3), np.float32)})
        np.savez(others[3], **{**weights, "embedding.weight": np.full((16, 16), np.inf, np.float32)})
        crossed = f"{{train.init: ['{whole}']}}"
        for init, more in (
            (self.folder / "absent.npz", {}),
            *((other, {}) for other in others),
            (whole, {"grid": {"train.init": [str(whole)]}}),
        ):
            with self.assertRaises(recollect.Error) as caught:
                recollect.run(recollect.load(self.config, {**overrides, **more}), "new", init=init)
            grid = ["--set", f"grid={crossed}"] if more else []
            done = self.program("run", self.config, *settings, *grid, "--out", "new", "--init", init, status=caught.exception.status)
            self.assertEqual(f"recollect: {caught.exception}\n", done.stderr)
            self.assertIn(caught.exception.status, (3, 5))
        experiment = recollect.load(self.config, overrides)
        for wrong, line in (({"init_partial": True}, "init_partial requires init"), ({"init": ""}, "init is empty")):
            with self.assertRaisesRegex(recollect.UsageError, line):
                recollect.run(experiment, "new", **wrong)
        # Of the configuration, too, before anything is written.
        with self.assertRaisesRegex(recollect.FileError, "is missing; add it"):
            recollect.run(recollect.load(self.config, {**overrides, "train.init": str(others[0])}), self.folder / "new")
        self.assertFalse((self.folder / "new").exists())

    def test_shards_and_counts_that_are_none(self):
        experiment = recollect.load(self.config)
        recollect.run(experiment, self.folder / "runs", shard=(2, 2))
        self.assertEqual(len(list((self.folder / "runs" / "cells").iterdir())), 1)
        for wrong in ({"shard": (5, 4)}, {"jobs": -1}, {"threads": -1}):
            with self.assertRaises(recollect.UsageError) as caught:
                recollect.run(experiment, self.folder / "other", **wrong)
            self.assertEqual(caught.exception.status, 64)
        self.assertFalse((self.folder / "other").exists())


class Trained(FolderTest):
    def setUp(self):
        super().setUp()
        self.experiment = recollect.load(self.config)
        self.summary = recollect.run(self.experiment, self.folder / "runs")
        self.cell = self.experiment.cells[0]
        self.model = recollect.open_model(self.summary.folder(self.cell))

    def test_examples_are_what_the_program_shows(self):
        examples = self.cell.examples("test", length=32)
        self.assertEqual((examples.ids.shape, examples.ids.dtype, len(examples)), ((40, 32), np.int32, 40))
        self.assertTrue(examples.ids.flags.owndata or examples.ids.base is not None)
        for index in (0, 39):
            printed = self.program("show", self.config, "--split", "test", "--length", 32, "--example", index, "--format", "json").stdout
            shown = json.loads(printed)
            self.assertEqual(examples.ids[index].tolist(), shown["ids"])
            scored = examples.positions[index] >= 0
            self.assertEqual(examples.positions[index][scored].tolist(), [place["position"] for place in shown["scored"]])
            self.assertEqual(examples.labels[index][scored].tolist(), [place["label"] for place in shown["scored"]])
        self.assertEqual(self.cell.examples("test", length=32, count=7, threads=3).ids.tolist(), examples.ids[:7].tolist())

    def test_batches_are_those_of_the_steps(self):
        batches = self.cell.examples("train", steps=(1, 3))
        self.assertEqual(batches.steps.tolist(), [1] * 8 + [2] * 8 + [3] * 8)
        everything = {row.tobytes() for row in self.cell.examples("train").ids}
        self.assertTrue(all(row.tobytes() in everything for row in batches.ids))

    def test_predictions_give_the_accuracy_of_the_scores(self):
        rows = [row for row in recollect.rows(self.folder / "runs", "cells") if row["cell"] == "c" + self.cell.hash]
        self.assertEqual(len(rows), 8)
        for row in rows:
            if row["weights"] != "best":
                continue
            count = row["examples"]
            examples = self.cell.examples(row["split"], length=row["eval_length"], count=count)
            scored = examples.positions >= 0
            answers = self.model.predict(examples.ids, examples.positions)
            self.assertEqual((answers == examples.labels)[scored].mean(), row["accuracy"])
            logits = self.model.logits(examples.ids, examples.positions, threads=3)
            self.assertEqual(logits.shape, (*examples.positions.shape, self.cell.vocab))
            self.assertTrue((logits.argmax(-1) == answers)[scored].all())
            own = self.model.score(row["split"], length=row["eval_length"], examples=count)
            self.assertEqual([own[name] for name in ("accuracy", "exact_match", "loss", "chance")],
                             [row[name] for name in ("accuracy", "exact_match", "loss", "chance")])

    def test_a_score_at_a_length_of_a_mixture_is_on_examples_of_that_entry(self):
        parts = "{length: 16, pairs: 1, examples: 20}, {length: 32, pairs: 5, examples: 20}"
        lines = [line for line in TINY.splitlines() if not line.startswith(("train:", "eval:"))]
        lines += [f"train: {{mixture: [{parts}], epochs: 1, batch: 8}}", "eval: {examples: 40}"]
        cell = recollect.parse("\n".join(lines)).cells[0]
        model = cell.initial_model()
        for length, pairs in ((16, 1), (32, 5)):
            self.assertEqual(cell.examples("test", length=length).positions.shape, (40, pairs))
            own = model.score("test", length=length)
            self.assertEqual((own["scored"], own["chance"]), (40 * pairs, 1 / pairs))

    def test_one_sequence_is_as_one_of_many(self):
        examples = self.cell.examples("test")
        many = self.model.logits(examples.ids)
        self.assertEqual(many.shape, (40, 16, 16))
        np.testing.assert_array_equal(self.model.logits(examples.ids[3]), many[3])
        np.testing.assert_array_equal(self.model.logits(examples.ids[3].tolist(), [2, 5]), many[3][[2, 5]])

    def test_lambda_is_what_inspect_prints(self):
        example = self.cell.examples("test").ids[2]
        layers = self.model.inspect(example)
        printed = self.program("inspect", self.summary.folder(self.cell), "--example", 2, "--format", "json").stdout
        shown = json.loads(printed)
        for layer, told in zip(layers, shown["layers"], strict=True):
            self.assertEqual(layer["lambda"].shape, (1, 16, self.cell.levels))
            (head,) = told["heads"]
            compared = 0
            for level in head["lambda"]:
                for token, value in enumerate(level["example"]):
                    if value is not None:  # the level holds something there
                        self.assertEqual(layer["lambda"][0, token, level["level"]], value)
                        compared += 1
            self.assertGreater(compared, 16)
            self.assertEqual(layer["gate"][0].tolist(), head["gate"])
            self.assertIsNone(layer["beta"])

    def test_weights_are_those_of_the_file_and_cannot_be_written_to(self):
        folder = self.summary.folder(self.cell)
        tensors, metadata = recollect.read_weights(os.path.join(folder, "best.safetensors"))
        self.assertEqual(metadata["cell"], self.cell.hash)
        weights = self.model.weights
        self.assertEqual(weights.keys(), tensors.keys())
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(weights[name], tensor)
            with self.assertRaises(ValueError):
                weights[name][...] = 0
        by_file = recollect.open_model(os.path.join(folder, "best.safetensors"), self.experiment)
        self.assertEqual(by_file.cell.hash, self.cell.hash)
        first = self.cell.initial_model().weights["embedding.weight"]
        self.assertFalse(np.array_equal(first, weights["embedding.weight"]))

    def test_rows_are_those_of_the_table(self):
        for rows in ("cells", "groups", "history"):
            told = json.loads(self.program("table", "runs", "--rows", rows, "--format", "json").stdout)
            own = recollect.rows(self.folder / "runs", rows)
            self.assertEqual(len(own), len(told))
            self.assertEqual([list(row) for row in own], [list(row) for row in told])
            for row, other in zip(own, told):
                for name, value in row.items():
                    if not isinstance(other[name], list):
                        self.assertEqual(value, other[name], name)
        self.assertEqual(recollect.summary(self.folder / "runs"), self.program("table", "runs", "--summary").stdout)

    def test_rows_of_history_are_the_evaluations(self):
        rows = recollect.rows(self.folder / "runs", "history", experiments="tiny")
        self.assertEqual([(row["label"], row["step"]) for row in rows],
                         [(label, step) for label in ("adaptive-decay", "full-quadratic") for step in (10, 20, 30)])
        self.assertEqual({row["train_steps"] for row in rows}, {30})
        with self.assertRaisesRegex(recollect.UsageError, "select chooses among groups; leave out rows 'history'"):
            recollect.rows(self.folder / "runs", "history", select="train.learning_rate")
        (table,) = (self.folder / "runs").glob("*.cells.csv")
        with self.assertRaises(recollect.FileError) as caught:
            recollect.rows(table, "history")
        done = self.program("table", table, "--rows", "history", status=5)
        self.assertEqual(f"recollect: {caught.exception}\n", done.stderr)

    def test_wrong_arguments_are_named(self):
        ids = self.cell.examples("test").ids
        for arguments, line in (
            ((ids.astype(float),), "ids must be integers, not float64"),
            ((ids + 16,), r"ids\[0, 0\] = \d+ is not in 0..15"),
            ((ids[None],), "one or two dimensions, not 3"),
            ((ids, [[1]]), "positions are of 1 sequences, and ids of 40"),
            ((ids, [16]), r"positions\[0, 0\] = 16 is not in 0..15"),
            ((ids, [3, 2]), r"positions\[0\] do not ascend"),
            ((ids, [3, -1, 4]), r"positions\[0, 2\] = 4 stands behind a -1"),
            ((ids, [-1]), r"positions\[0\] holds no position"),
        ):
            with self.assertRaisesRegex(recollect.UsageError, line):
                self.model.logits(*arguments)
        for call, line in (
            (lambda: self.cell.examples("tset"), "split 'tset' is unknown.*did you mean 'test'"),
            (lambda: self.model.inspect(ids), "one sequence is inspected at a time"),
            (lambda: self.model.score(examples=0), "examples = 0 must be 1 or more"),
            (lambda: recollect.rows(self.folder / "runs", "row"), "choose one of groups, cells, history, published"),
            (lambda: recollect.open_model(self.folder / "x.safetensors"), "experiment is missing"),
        ):
            with self.assertRaisesRegex(recollect.UsageError, line):
                call()

    def test_another_thread_goes_on_while_it_computes(self):
        examples = self.cell.examples("test", length=32)
        ids = np.tile(examples.ids, (50, 1))
        turns, over = [0], threading.Event()

        def count():
            while not over.wait(0.0001):
                turns[0] += 1

        before = sys.getswitchinterval()
        sys.setswitchinterval(100)  # nobody takes the lock away: it has to be given up
        other = threading.Thread(target=count)
        other.start()
        try:
            started = turns[0]
            self.model.logits(ids)
            went_on = turns[0] - started
            started = turns[0]
            recollect.run(recollect.load(self.config, {"seeds": [5]}), self.folder / "more")
            went_on_beside_run = turns[0] - started
        finally:
            over.set()
            other.join()
            sys.setswitchinterval(before)
        self.assertGreater(went_on, 0)
        self.assertGreater(went_on_beside_run, 0)

    def test_a_table_of_csv_is_read_back(self):
        text = self.program("table", "runs", "--rows", "cells", "--format", "csv").stdout
        path = self.folder / "cells.csv"
        path.write_text(text)
        self.assertEqual(len(recollect.rows(path, "cells")), len(list(csv.DictReader(io.StringIO(text)))))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
