"""Every shader, run by wgpu-py on its own device: what comes out is what NumPy computes."""

import numpy as np
import pytest
from shaders.cases import CASES

import rustorch as torch
from rustorch import _C


def captured(function, arrays):
    """The calls of kernels that an operation makes, the number of its result's buffer, and the result's shape and dtype."""
    tensors = [torch.from_numpy(a).gpu() for a in arrays]
    torch.gpu.synchronize()
    _C._gpu_capture(True)
    try:
        result = function(*tensors)
    finally:
        calls = _C._gpu_capture(False)
    assert result.is_contiguous() and result.storage_offset() == 0
    return calls, result


@pytest.mark.parametrize("name", CASES)
def test_shaders_compute_what_numpy_does(runner, name):
    case = CASES[name]
    arrays = case.arrays()
    calls, result = captured(case.function, arrays)
    expected = np.asarray(case.expected(*arrays), dtype=result.cpu().numpy().dtype)
    buffers = runner.run(calls)
    data = buffers[_C._gpu_buffer_id(result)][: result.numel() * result.element_size()]
    actual = np.frombuffer(data, dtype=expected.dtype).reshape(expected.shape)
    assert tuple(result.shape) == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


def test_every_shader_is_run():
    used = {kernel for case in CASES.values() for kernel in case.kernels}
    assert used == set(_C._gpu_kernels())


@pytest.mark.parametrize("name", CASES)
def test_cases_name_the_kernels_that_they_run(runner, name):
    calls, _ = captured(CASES[name].function, CASES[name].arrays())
    assert set(CASES[name].kernels) <= {call["kernel"] for call in calls}
