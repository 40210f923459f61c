"""What makes PyTorch fast on this machine: settings of a process, and the BLAS it found."""

import ctypes
import multiprocessing
import os
import re
from pathlib import Path

PACKAGES = "python3-torch libopenblas0-openmp"
WIDE = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}


def read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def tune() -> None:
    """Goes beyond PyTorch's own settings. Call it before `import torch`."""
    if vectors("tuned") != "default":
        os.environ["ATEN_CPU_CAPABILITY"] = vectors("tuned")
    # glibc gives large freed blocks back to the system, and every step pays for their pages again.
    # Keep them, as the allocators do that PyTorch's tuning guide recommends.
    M_MMAP_MAX, M_TRIM_THRESHOLD, M_ARENA_MAX = -4, -1, -8  # malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_ARENA_MAX, 1)


def widen_blas() -> None:
    """An OpenBLAS that does not know the processor takes kernels that any has, which halves the
    speed and more. Give it those of the processor's vectors. Call it before `import torch`."""
    if "OPENBLAS_CORETYPE" in os.environ:
        return
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # it decides when it is loaded
        if pool.apply(blas_kernels) != "Prescott":
            return
    flags = set(read("/proc/cpuinfo").split())
    for needed, kernels in ((WIDE, "SKYLAKEX"), ({"avx2", "fma"}, "HASWELL")):
        if needed <= flags:
            os.environ["OPENBLAS_CORETYPE"] = kernels
            return


def blas_kernels() -> str:
    """The processor that OpenBLAS computes for; '' without OpenBLAS."""
    try:
        name = ctypes.CDLL("libopenblas.so.0").openblas_get_corename
    except (OSError, AttributeError):
        return ""
    name.restype = ctypes.c_char_p
    return name().decode()


def vectors(side: str) -> str:
    """Of elementwise kernels. PyTorch 1.13 uses AVX2 unless told otherwise."""
    wide = set(read("/proc/cpuinfo").split()) >= WIDE
    best = "avx512" if side == "tuned" and wide else "default"
    return os.environ.get("ATEN_CPU_CAPABILITY", best)


def cpu() -> str:
    """The processor's name, as far as the system tells."""
    found = re.search(r"model name\s*:\s*(.+)", read("/proc/cpuinfo"))
    return found.group(1) if found else "unknown processor"


def blas() -> str:
    """The library behind PyTorch's products, once torch is imported; '' for Netlib's reference."""
    import torch

    if torch.backends.mkl.is_available():
        return "MKL"
    # Debian's torch asks for libblas.so.3, which any of several packages may be.
    loaded = set(re.findall(r"/\S+\.so\S*", read("/proc/self/maps")))
    libblas = {path for path in loaded if "/libblas.so" in path}
    for key, name in (("openblas", "OpenBLAS"), ("blis", "BLIS"), ("atlas", "ATLAS")):
        if any(key in path for path in libblas or loaded):
            return name
    return "" if libblas else "built-in BLAS"
