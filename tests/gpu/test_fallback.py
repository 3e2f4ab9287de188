"""Operations without a GPU kernel: an error that names the switch, and with the switch the CPU, a warning and a count."""

import os
import subprocess
import sys

import pytest

import rustorch as torch

# Nothing that is planned to have a kernel: eigenvalues come from a library of the CPU.
MISSING = "linalg_eigvalsh"


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_the_error_names_operation_dtype_and_switch():
    with pytest.raises(NotImplementedError) as caught:
        torch.linalg.eigvalsh(torch.eye(3).gpu())
    text = str(caught.value)
    assert MISSING in text and "float32" in text and "RUSTORCH_GPU_FALLBACK=1" in text
    assert torch.gpu.fallback_stats() == {}


def test_the_switch_runs_them_on_the_cpu_with_a_warning_and_a_count():
    code = """if True:
        import rustorch as torch
        x = torch.tensor([[2.0, 1.0], [1.0, 3.0]]).gpu().requires_grad_()
        for _ in range(2):
            y = torch.linalg.eigvalsh(x)
        assert y.is_gpu
        y.sum().backward()
        print(y.cpu().sum().item(), x.grad.abs().round(decimals=5).tolist(), torch.gpu.fallback_stats())
    """
    out, err = run(code, RUSTORCH_GPU_FALLBACK="1")
    assert out == "5.0 [[1.0, 0.0], [0.0, 1.0]] {'linalg_eigvalsh': 2}\n"
    assert err.count("UserWarning: linalg_eigvalsh has no GPU kernel") == 1


def test_in_place_forms_and_outputs_stay_on_the_gpu():
    # A binding holds 128 MiB on the least device that there may be; lines above that have no kernel.
    code = """if True:
        import rustorch as torch
        import warnings
        warnings.simplefilter("ignore")
        x = torch.zeros(34_000_000)
        x[::1_000_000] = 1
        expected = x.cumsum(0)
        out, y = torch.empty(34_000_000).gpu(), x.gpu()
        torch.cumsum(y, 0, out=out)
        assert y.cumsum_(0) is y and y.is_gpu
        print(torch.equal(y.cpu(), expected), torch.equal(out.cpu(), expected), torch.gpu.fallback_stats())
    """
    out, _ = run(code, RUSTORCH_GPU_FALLBACK="1", RUSTORCH_GPU_WITHOUT="limits")
    assert out == "True True {'cumsum': 1, 'cumsum_': 1}\n"
