#!/usr/bin/env python3
"""Reads what `recollect table --format tensorboard` writes with a reader of its own.

Debian has no TensorBoard, so the format is read here as its documentation has it: framing, checksums
and messages, with a checksum computed bit by bit. Every number has to be that of history.csv.
Usage: event_folder_test.py PROGRAM
"""
import csv
import os
import resource
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
CONFIG = """experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, {name: full-quadratic, label: "full/ref a"}]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 1}
eval: {lengths: [16], examples: 20}
grid: {train.learning_rate: [0.001, 0.01]}
"""
checks = 0


def check(truth, what):
    global checks
    checks += 1
    if not truth:
        sys.exit(f"event_folder_test.py: {what}")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    while data:
        (length,) = struct.unpack_from("<Q", data)
        check(struct.unpack_from("<I", data, 8)[0] == masked(data[:8]), "checksum of a length")
        body = data[12 : 12 + length]
        check(struct.unpack_from("<I", data, 12 + length)[0] == masked(body), "checksum of a record")
        yield body
        data = data[16 + length :]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                check(key & 7 == 2, "wire type")
                size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            check(len(value) == size, "a field is cut off")
        yield key >> 3, value


def scalars(data):
    """{step: {tag: number}} of an event file."""
    result = {}
    for number, record in enumerate(records(data)):
        event = dict(fields(record))
        check(event[1] == b"\0" * 8, "wall_time is not 0")
        if number == 0:
            check(event[3] == b"brain.Event:2", "the file's version")
            continue
        values = result.setdefault(event[2], {})
        for _, value in fields(event[5]):
            parts = dict(fields(value))
            values[parts[1].decode()] = struct.unpack("<f", parts[2])[0]
    return result


def files_of(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def recollect(*arguments, limit=None):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          preexec_fn=small_files if limit is not None else None)


def refused(folder, runs, part, **how):
    before = files_of(os.path.dirname(folder))
    result = recollect("table", runs, "--format", "tensorboard", "--out", folder, **how)
    check(result.returncode == 5, f"status {result.returncode}: {result.stderr}")
    check(result.stderr.count("\n") == 1 and part in result.stderr, result.stderr)
    check(files_of(os.path.dirname(folder)) == before, "something was written")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        config, runs = os.path.join(scratch, "tiny.yaml"), os.path.join(scratch, "runs")
        with open(config, "w") as file:
            file.write(CONFIG)
        result = recollect("run", config, "--quiet", "--out", runs)
        check(result.returncode == 0, result.stderr)

        folder = os.path.join(scratch, "place", "events")
        result = recollect("table", runs, "--format", "tensorboard", "--out", folder)
        check(result.returncode == 0 and result.stdout == f"{folder}: 4 runs\n", result.stderr)
        written = files_of(folder)
        check(len(written) == 4, f"{sorted(written)}")
        for path, data in written.items():
            experiment, run, name = path.split(os.sep)
            cell = name.rsplit(".", 1)[1]
            check(experiment == "tiny" and name == f"events.out.tfevents.0.{cell}", path)
            label = run.split(",")[0]
            check(label in ("fixed-decay", "full_ref_a"), run)
            check(run.endswith(f",seed=0,{cell}") and ",train_learning_rate=0.0" in run, run)
            found = scalars(data)
            with open(os.path.join(runs, "cells", cell[1:], "history.csv")) as file:
                rows = list(csv.DictReader(file))
            check([int(row["step"]) for row in rows] == sorted(found) and len(rows) == 20, "steps")
            for row in rows:
                values = found[int(row.pop("step"))]
                check(sorted(values) == sorted(row), f"tags {sorted(values)}")
                for tag, text in row.items():
                    single = struct.unpack("<f", struct.pack("<f", float(text)))[0]
                    check(values[tag] == single, f"{tag} {values[tag]} is not {text}")

        # The same bytes again, over what stands there, and from an archive.
        archives, other = os.path.join(scratch, "archives"), os.path.join(scratch, "place", "other")
        check(recollect("archive", runs, "--out", archives).returncode == 0, "archive")
        for source, target in ((runs, folder), (archives, other)):
            result = recollect("table", source, "--format", "tensorboard", "--out", target)
            check(result.returncode == 0, result.stderr)
            check(files_of(target) == written, f"other bytes in {target}")

        # A folder named from here, that is not there yet.
        os.chdir(scratch)
        result = recollect("table", runs, "--format", "tensorboard", "--out", "new")
        check(result.returncode == 0 and files_of("new") == written, result.stderr)

        # A file too large for a limit, as on a full disk: what stood there stays, and nothing beside it. LLVM's OpenMP
        # has a file of 1024 bytes of its own.
        refused(folder, runs, "", limit=2048)
        # What somebody else put there, by name, as a link, or in the place of the folder.
        with open(os.path.join(folder, "notes.txt"), "w") as file:
            file.write("mine")
        refused(folder, runs, "'notes.txt' in it was not written here")
        os.rename(os.path.join(folder, "notes.txt"), os.path.join(scratch, "place", "notes.txt"))
        os.symlink(scratch, os.path.join(folder, "link"))
        refused(folder, runs, "'link' in it was not written here")
        refused(os.path.join(scratch, "place", "notes.txt"), runs, "is not a folder")
    print(f"{checks} checks")


main()
