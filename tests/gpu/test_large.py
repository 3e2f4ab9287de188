"""Tensors above what a kernel can bind at once: pointwise operations go over windows of them, others say so."""

import pytest

import rustorch as torch


@pytest.fixture
def rows(gpu):
    """How many rows of 6000 floats are more than a binding holds."""
    if gpu["max_binding"] > 1 << 28:
        pytest.skip("bindings of this GPU are too large for a test")
    return gpu["max_binding"] // (4 * 6000) + 100


@pytest.mark.timeout(120)
def test_pointwise_operations_go_over_windows(rows):
    x = torch.arange(rows, dtype=torch.float32).gpu().unsqueeze(1).expand(rows, 6000).contiguous()
    column, row = torch.arange(rows, dtype=torch.float32).gpu().unsqueeze(1), torch.arange(6000.0).gpu()
    y = x * 2 + row - column
    for at in (0, 1, rows // 2, rows - 1):
        assert torch.equal(y[at].cpu(), torch.arange(6000.0) + at)
    x.add_(y)
    assert torch.equal(x[rows - 1, :3].cpu(), torch.arange(3.0) + 2 * (rows - 1))
    small = x.to(torch.float16)
    assert small[1, 2].item() == x[1, 2].item()
    with pytest.raises(NotImplementedError, match="at most"):
        x.sum()
