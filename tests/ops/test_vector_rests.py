"""Kernels that work in whole vectors, at the sizes where vectors end and with NaN and infinities in the rest."""

import math

import pytest

import rustorch as torch

INF, NAN = math.inf, math.nan
WIDTHS = [1, 2, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100]


def same(mine, theirs, rtol=1e-5, atol=1e-6):
    import numpy as np

    assert str(mine.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)


def pair(T, x, **options):
    return torch.tensor(x.tolist(), **options), x


def noise(T, *shape, seed=0, dtype=None):
    g = T.Generator().manual_seed(seed)
    return T.randn(*shape, generator=g, dtype=dtype or T.float64)


@pytest.mark.parametrize("n", [32767, 32768, 33001, 100003])
def test_whole_reductions_find_what_lies_anywhere(oracle, n):
    x = noise(oracle, n, dtype=oracle.float32)
    for at, value in [(n - 1, 50.0), (n // 2, -60.0), (7, 70.0)]:
        x[at] = value
        mine = torch.from_numpy(x.numpy())
        for f in ("amax", "amin", "max", "min", "nansum"):
            same(getattr(mine, f)(), getattr(x, f)(), rtol=1e-4, atol=1e-3)
        for p in (0, 1, 2, INF, -INF):
            same(torch.linalg.vector_norm(mine, p), oracle.linalg.vector_norm(x, p), rtol=1e-4)
    x[n - 2] = NAN
    mine = torch.from_numpy(x.numpy())
    assert mine.amax().isnan() and mine.min().isnan() and not mine.nansum().isnan()


def test_products_over_very_many_columns(oracle):
    x = noise(oracle, 10, 100_000)
    mine = torch.from_numpy(x.numpy())
    same(mine @ mine.T, x @ x.T, rtol=1e-9)
    same(torch.cov(mine), oracle.cov(x), rtol=1e-6, atol=1e-9)
