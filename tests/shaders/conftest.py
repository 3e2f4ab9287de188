"""Tests of the shaders by themselves, run by wgpu-py: they need a GPU and that package."""

import os

import pytest

import rustorch as torch


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/shaders/" in str(item.path).replace(os.sep, "/"):
            item.add_marker(pytest.mark.gpu)


def _need(condition, reason):
    if condition:
        return
    if os.environ.get("RUSTORCH_REQUIRE_GPU") == "1":
        pytest.exit(f"RUSTORCH_REQUIRE_GPU=1, but {reason}", returncode=1)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def runner():
    """wgpu-py with a device of its own, while rustorch writes shaders in the dialect that both compilers know."""
    _need(torch.gpu.is_available(), "there is no GPU")
    try:
        from shaders.runner import Runner
    except ImportError as error:
        _need(False, f"wgpu-py is not installed ({error})")
    before = os.environ.get("RUSTORCH_GPU_WITHOUT")
    os.environ["RUSTORCH_GPU_WITHOUT"] = "f16,i64,subgroup,immediates,timestamps"
    torch.gpu.reset()
    yield Runner()
    if before is None:
        del os.environ["RUSTORCH_GPU_WITHOUT"]
    else:
        os.environ["RUSTORCH_GPU_WITHOUT"] = before
    torch.gpu.reset()
