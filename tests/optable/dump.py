"""Writes the results of many samples to a file: `python -m optable.dump FILE`, for processes with other settings."""

import pickle
import sys

import rustorch
from optable import CASES
from optable.compare import call

DTYPES = ("float32", "float64", "int32", "bfloat16", "complex64")
# Families whose kernels are compiled once per SIMD level.
SKIPPED = ("create", "views")


def samples():
    """(case, sample, dtype) of what is dumped: the functions that compute, not those that only move or draw."""
    for case in CASES:
        if case.family not in SKIPPED and "value" not in case.skip:
            for sample in case.samples:
                for dtype in DTYPES:
                    yield case, sample, dtype


def numbers(result):
    if isinstance(result, rustorch.Tensor):
        x = result.detach()
        return (x.float() if x.dtype == rustorch.bfloat16 else x).numpy(force=True)
    return [numbers(r) for r in result] if isinstance(result, tuple | list) else result


def main(path):
    results = [numbers(r) if error is None else None for r, error in (call(rustorch, *s) for s in samples())]
    with open(path, "wb") as file:
        pickle.dump((rustorch.backends.cpu.get_cpu_capability(), results), file)


if __name__ == "__main__":
    main(sys.argv[1])
