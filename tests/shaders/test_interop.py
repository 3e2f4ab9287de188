"""Tensors to and from buffers of wgpu-py."""

import pytest

import rustorch as torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8, torch.int64, torch.bool])
def test_what_goes_to_a_buffer_comes_back(runner, dtype):
    from rustorch.interop.wgpu import from_buffer, to_buffer

    x = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(dtype)
    for t in (x, x.gpu(), x.t().contiguous().t()):
        buffer = to_buffer(t, runner.device)
        back = from_buffer(buffer, runner.device, (2, 3), dtype)
        assert back.dtype == dtype and torch.equal(back, x)


def test_sizes_are_checked(runner):
    from rustorch.interop.wgpu import from_buffer, to_buffer

    with pytest.raises(ValueError, match="expected a tensor with elements"):
        to_buffer(torch.zeros(0), runner.device)
    buffer = to_buffer(torch.zeros(3), runner.device)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        from_buffer(buffer, runner.device, (4,), torch.float32)
    assert from_buffer(buffer, runner.device, (0, 4), torch.float32).shape == (0, 4)
