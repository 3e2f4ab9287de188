"""Programs that once read or wrote outside of a tensor's memory. Each runs in a child process, since it may die."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import driver

FAR = 10**12


def outcomes(lines, seconds=20):
    """What each program gave, by its line; none of them may crash."""
    results = driver.run("rustorch", lines, seconds)
    crashed = [f"{line!r}: {r['crash']}" for line, r in zip(lines, results, strict=True) if "crash" in r]
    assert not crashed, "\n".join(crashed)
    return dict(zip(lines, results, strict=True))


def refused(lines, error, text=""):
    """All programs raise `error`."""
    for line, r in outcomes(lines).items():
        assert r.get("error") == error, f"{line!r}: {r}"
        assert text in r["text"], f"{line!r}: {r}"


def test_counts_whose_sum_wraps_are_refused():
    lines = [
        "torch.repeat_interleave(torch.tensor([2**62] * 4 + [1]))",
        "torch.repeat_interleave(T(5), torch.tensor([2**62] * 4 + [1]))",
        "torch.repeat_interleave(torch.tensor([2**62] * 2))",
    ]
    refused(lines, "RuntimeError")
