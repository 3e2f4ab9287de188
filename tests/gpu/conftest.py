"""Tests on a GPU: all of them need one, and under RUSTORCH_REQUIRE_GPU=1 its lack ends the run."""

import os

import pytest

import rustorch as torch


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/gpu/" in str(item.path).replace(os.sep, "/"):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session", autouse=True)
def gpu():
    """The GPU's properties."""
    if torch.gpu.is_available():
        yield torch.gpu.get_device_properties()
        assert torch.gpu.fallback_stats() == {}, "operations ran on the CPU unseen"
        return
    try:
        torch.gpu.synchronize()
    except RuntimeError as e:
        reason = str(e)
    else:
        reason = "it was lost"
    if os.environ.get("RUSTORCH_REQUIRE_GPU") == "1":
        pytest.exit(f"RUSTORCH_REQUIRE_GPU=1, but there is no GPU: {reason}", returncode=1)
    pytest.skip(reason)
