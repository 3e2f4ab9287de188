"""Inputs with other strides: torch's values, and results with torch's strides."""

import itertools

import numpy as np
import pytest
from optable import LAYOUTS, wanted
from optable.compare import against, call, difference, report

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("case", wanted("layout"), ids=repr)
def test_every_layout(case, oracle):
    inputs = [*itertools.product(case.samples, ["float64"]), *itertools.product(case.samples[:1], ["int32"])]
    report(
        f"{sample} {dtype} {layout}: {found}"
        for (sample, dtype), layout in itertools.product(inputs, [x for x in LAYOUTS if x not in case.skip])
        if (found := against(oracle, case, sample, dtype, layout))
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32", "float64", "complex64", "complex128"])
def test_results_that_begin_within_a_cache_line_are_whole(dtype):
    """Long results that are narrower than their operands, from every place in a line."""
    x = np.random.default_rng(0).integers(0, 3, 1930).astype(dtype)
    a, b = torch.from_numpy(x), torch.from_numpy(x[::-1].copy())
    for start in range(0, 64, 3):
        room = torch.full((start + x.size,), True)
        torch.eq(a, b, out=room[start:])
        assert np.array_equal(room[start:].numpy(), x == x[::-1])
    for width in (513, 700, 1930):
        rows = np.stack([x[:width]] * 40)
        got = torch.from_numpy(rows) == torch.from_numpy(x[::-1][:width].copy())
        assert np.array_equal(got.numpy(), rows == x[::-1][:width])


# Other dtypes over the same memory: refused, as in torch.
REINTERPRETED = ("view", "view_as_real")


@pytest.mark.parametrize("case", [c for c in wanted("layout") if c.name not in REINTERPRETED], ids=repr)
def test_every_operation_reads_conjugates(case):
    failures = []
    for sample in case.samples:
        expected, error = call(torch, case, sample, "complex64")
        if error is None:
            actual, error = call(torch, case, sample, "complex64", "lazy")
            if found := repr(error) if error else difference(actual, expected, strides=False):
                failures.append(f"{sample}: {found}")
    report(failures)
