"""Writes tests/fuzz/seeds/arrays, as NumPy 1.24 of Debian 12 did: python3 tests/fuzz/make_array_seeds.py

Files named good-* are accepted; what the others are refused for stands in tests/unit/array_file_test.cpp.
*.parts are .npy files one behind the other, which the fuzzer packs under the names of examples.
"""

import io
import pathlib
import struct
import warnings
import zipfile

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "seeds" / "arrays"
TEXT = "\u00e4\U0001f408 text"
IDS = np.array([[1, 2, 3, 0], [4, 5, 6, 7]], np.int32)
POSITIONS = np.array([[1, 3], [2, -1]], np.int32)
LABELS = np.array([[2, 0], [6, -1]], np.int32)
LAG = np.array([[1, 2], [3, -1]], np.int32)
EXAMPLES = {"ids": IDS, "positions": POSITIONS, "labels": LABELS, "tag_lag": LAG}


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def with_header(header, data=bytes(24), version=1):
    text = header.encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + size + text + data


def of_shape(shape):
    return with_header(f"{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}")


def npz(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def packed(entries, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def changed(archive, *fields):
    """(place in the first entry of the directory, number of four bytes) each."""
    data = bytearray(archive)
    entry = data.index(b"PK\x01\x02")
    for place, number in fields:
        data[entry + place : entry + place + 4] = struct.pack("<I", number)
    return bytes(data)


array = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
whole = npy(array)
savez = npz(np.savez, **EXAMPLES, note="text")
small = packed([("ids.npy", whole)])
end = small.rindex(b"PK\x05\x06")
negative = IDS.copy()
negative[1, 1] = -1

SEEDS = {
    "good-int32.npy": whole,
    "good-float32.npy": npy(np.array([0.5, -1, 3], np.float32)),
    "good-not-a-number.npy": npy(np.array([np.nan, np.inf, -0.0], np.float32)),
    "good-no-dimensions.npy": npy(np.array(7, np.int32)),
    "good-no-numbers.npy": npy(np.zeros((0, 3), np.float32)),
    "good-version-2.npy": with_header("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", version=2),
    "good-text.npy": npy(np.array(TEXT)),
    "good-bytes.npy": npy(np.array(TEXT.encode())),
    "good-savez.npz": savez,
    "good-savez-compressed.npz": npz(np.savez_compressed, **EXAMPLES, note="text"),
    "good-paths-as-names.npz": packed([("../../ids.npy", whole), ("/etc/ids.npy", whole), ("\u00e4\\.npy", whole)]),
    "good-examples.parts": b"".join(map(npy, EXAMPLES.values())),
    "negative-id.parts": b"".join(map(npy, (negative, POSITIONS, LABELS))),
    "truncated.npy": whole[:-1],
    "wrong-shape.npy": of_shape("(7,)"),
    "huge-shape.npy": of_shape("(4294967296, 4294967296)"),
    "shape-that-overflows-to-the-right-size.npy": of_shape(f"(6, {2**61 + 1})"),
    "negative-dimensions.npy": of_shape("(-2, -3)"),
    "fortran-order.npy": npy(np.asfortranarray(array)),
    "int64.npy": npy(array.astype(np.int64)),
    "big-endian.npy": npy(array.astype(">i4")),
    "object.npy": npy(np.array([None, 1], object), allow_pickle=True),
    "structured.npy": npy(np.zeros(2, [("a", "<i4")])),
    "half-character.npy": with_header("{'descr': '<U1', 'fortran_order': False, 'shape': (), }", b"\x00\xd8\x00\x00"),
    "truncated.npz": savez[: len(savez) // 2],
    "no-npy.npz": packed([("readme.txt", b"text")]),
    "twice.npz": packed([("ids.npy", whole), ("ids.npy", whole)]),
    "directory-lies-of-size.npz": changed(small, (24, 0x7FFFFFF0)),
    "directory-lies-of-both-sizes.npz": changed(small, (20, 0x7FF00), (24, 0x7FF00)),
    "directory-lies-of-offset.npz": changed(small, (42, 0x7FFFFFF0)),
    "directory-lies-of-count.npz": small[: end + 8] + struct.pack("<HH", 999, 999) + small[end + 12 :],
    "bomb.npz": packed([("ids.npy", npy(np.zeros(400_000, np.int32)))], zipfile.ZIP_DEFLATED),
    "bzip2.npz": packed([("ids.npy", whole)], zipfile.ZIP_BZIP2),
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (FOLDER / name).write_bytes(data)
