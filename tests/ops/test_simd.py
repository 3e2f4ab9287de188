"""Every SIMD level gives the values of the portable kernels, which are the values that other tests compare with torch."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import TOLERANCE
from optable.compare import call, report
from optable.dump import numbers, samples

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")
TESTS = Path(__file__).resolve().parent.parent


def dumped(level, folder):
    """(capability, results) of a process whose kernels are those of a level."""
    path = folder / level
    search = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "RUSTORCH_ISA": level, "PYTHONPATH": os.pathsep.join(search), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-m", "optable.dump", str(path)], env=env, check=True, timeout=120)
    with open(path, "rb") as file:
        return pickle.load(file)


def unlike(a, b, dtype):
    """Do two results of one function differ by more than rounding?"""
    if isinstance(a, list):
        return len(a) != len(b) or any(unlike(x, y, dtype) for x, y in zip(a, b, strict=True))
    if a is None or not isinstance(a, np.ndarray) or a.dtype.kind in "biu":
        return not np.array_equal(a, b)
    rtol, atol = TOLERANCE["bfloat16" if dtype == "bfloat16" else str(a.dtype)]
    with np.errstate(all="ignore"):
        return not np.allclose(a, b, rtol=4 * rtol, atol=4 * atol, equal_nan=True)


@pytest.mark.timeout(180)
def test_all_levels_agree(tmp_path):
    usual = [numbers(r) if error is None else None for r, error in (call(torch, *s) for s in samples())]
    failures, seen = [], set()
    for level in ("portable", "avx2", "avx512"):
        capability, results = dumped(level, tmp_path)
        seen.add(capability)
        failures += [
            f"{level}: {case}{sample} {dtype}"
            for (case, sample, dtype), a, b in zip(samples(), results, usual, strict=True)
            if unlike(a, b, dtype)
        ]
    assert len(seen) > 1 or torch.backends.cpu.get_cpu_capability() == "DEFAULT"
    report(failures)
