"""Subnormal numbers as arguments."""

import pytest

import rustorch as torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["expm1", "sinh", "tanh", "sin", "asinh", "log1p", "atan"])
def test_subnormal_numbers_are_kept_where_a_function_is_its_argument(name, dtype):
    tiny = torch.finfo(dtype).smallest_normal
    x = torch.tensor([tiny, tiny / 3, tiny / 1024, -tiny / 7, tiny * torch.finfo(dtype).eps, 0.0, -0.0], dtype=dtype)
    y = getattr(torch, name)(x.repeat(8))
    assert torch.equal(y, x.repeat(8))
    assert torch.equal(y.signbit(), x.repeat(8).signbit())
