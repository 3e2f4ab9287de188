"""Fixtures of all Python tests: a fixed seed, the device, tolerances, and torch where it is installed."""

import importlib.util
import os

import pytest

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)

# Relative and absolute tolerance by dtype, for results that may round differently from the reference.
TOLERANCE = {
    "float16": (2e-3, 1e-4),
    "bfloat16": (1.6e-2, 1e-3),
    "float32": (3e-6, 1e-6),
    "float64": (1e-11, 1e-12),
    "complex64": (5e-6, 1e-6),
    "complex128": (1e-11, 1e-12),
}


def tolerance(dtype):
    """(rtol, atol) for a dtype of either library, or its name; 0 for integers and bool."""
    return TOLERANCE.get(str(dtype).removeprefix("torch."), (0.0, 0.0))


def to_numpy(x):
    """The values of a tensor of either library; bfloat16, which NumPy lacks, as float32."""
    x = x.detach()
    if str(x.dtype) == "torch.bfloat16":
        x = x.float()
    return x.numpy(force=True)


def assert_same(actual, expected, rtol=None, atol=None):
    """Equal shape and dtype, and equal values up to the dtype's tolerance. NaN equals NaN.

    Either side may be a tensor of rustorch or torch; tuples and lists are compared entry by entry.
    """
    import numpy as np

    if isinstance(expected, tuple | list):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same(a, e, rtol, atol)
        return
    if not hasattr(expected, "dtype"):
        assert actual == expected or (actual != actual and expected != expected)
        return
    assert tuple(actual.shape) == tuple(expected.shape)
    assert str(actual.dtype) == str(expected.dtype)
    default = tolerance(expected.dtype)
    np.testing.assert_allclose(
        to_numpy(actual),
        to_numpy(expected),
        rtol=default[0] if rtol is None else rtol,
        atol=default[1] if atol is None else atol,
        equal_nan=True,
    )


def close(a, b, atol=1e-5):
    """Equal shape, and equal values up to single precision."""
    return a.shape == b.shape and a.allclose(b, atol=atol)


@pytest.fixture(name="assert_same")
def assert_same_fixture():
    return assert_same


@pytest.fixture(name="tolerance")
def tolerance_fixture():
    return tolerance


@pytest.fixture(autouse=True)
def seed(request):
    """Every test starts from the same random state, whichever ran before it, and leaves the settings as they were."""
    if importlib.util.find_spec("rustorch") is None:
        yield
        return
    import rustorch

    if not hasattr(rustorch, "manual_seed"):
        yield
        return
    rustorch.manual_seed(0)
    if "oracle" in request.fixturenames:
        request.getfixturevalue("oracle").manual_seed(0)
    before = settings(rustorch)
    yield
    assert settings(rustorch) == before, "the test leaves a setting changed behind it"


def settings(rustorch):
    """What a test may change of its thread and process, and must put back."""
    try:
        rustorch.as_tensor(rustorch.empty(0, device="meta"))
        device = rustorch.get_default_device()
    except NotImplementedError:
        device = "set, if only to the CPU"
    flags = rustorch.is_grad_enabled(), rustorch.are_deterministic_algorithms_enabled()
    return device, rustorch.get_default_dtype(), flags, rustorch.get_num_threads()


@pytest.fixture(scope="session")
def oracle():
    """The reference torch; tests that ask for it skip where it is missing, or fail under RUSTORCH_REQUIRE_TORCH=1."""
    if os.environ.get("RUSTORCH_REQUIRE_TORCH") == "1":
        import torch
    else:
        torch = pytest.importorskip("torch", reason="torch is not installed")
    return torch


def gpu_name():
    """The name of a GPU that tensors can live on, or None."""
    import rustorch

    gpu = getattr(rustorch, "gpu", None)
    return "gpu" if gpu is not None and gpu.is_available() else None


@pytest.fixture(params=["cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request):
    """Each device in turn; the GPU skips where there is none, or fails under RUSTORCH_REQUIRE_GPU=1."""
    if request.param == "cpu":
        return "cpu"
    name = gpu_name()
    if name is None:
        text = "no GPU that rustorch can use"
        if os.environ.get("RUSTORCH_REQUIRE_GPU") == "1":
            pytest.fail(text)
        pytest.skip(text)
    return name


def pytest_collection_modifyitems(items):
    """Tests listed in pending.txt are reported as expected failures and not run."""
    from pathlib import Path

    lines = (Path(__file__).parent / "pending.txt").read_text(encoding="utf-8").splitlines()
    pending = {line for line in lines if line and not line.startswith("#")}
    for item in items:
        if item.nodeid in pending:
            item.add_marker(pytest.mark.xfail(reason="listed in tests/pending.txt", run=False))


# Tests of the GPU that a whole run has at least, where it has to have a GPU.
FEWEST_GPU_TESTS = 3000


def gpu_reports(reporter, outcome):
    return [r for r in reporter.stats.get(outcome, []) if "gpu" in getattr(r, "keywords", {})]


def pytest_terminal_summary(terminalreporter, config):
    """One line on the tests of the GPU that did not run; under RUSTORCH_REQUIRE_GPU=1 none may be missing unseen."""
    skipped = gpu_reports(terminalreporter, "skipped")
    if os.environ.get("RUSTORCH_REQUIRE_GPU") != "1":
        if skipped:
            reason = str(skipped[0].longrepr[-1]).removeprefix("Skipped: ")
            terminalreporter.write_line(f"{len(skipped)} tests of the GPU were skipped: {reason}")
        return
    ran = len(gpu_reports(terminalreporter, "passed")) + len(gpu_reports(terminalreporter, "failed"))
    whole = not config.option.keyword and not config.option.collectonly and config.args in (["tests"], ["tests/gpu"])
    if skipped or (whole and ran < FEWEST_GPU_TESTS):
        text = f"RUSTORCH_REQUIRE_GPU=1, but {len(skipped)} tests of the GPU were skipped and {ran} ran"
        terminalreporter.write_line(f"{text}, of at least {FEWEST_GPU_TESTS}.", red=True)
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED
