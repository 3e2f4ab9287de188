"""How long kernels take."""

from collections import defaultdict
from contextlib import contextmanager

from rustorch import _C


class Profile:
    """The calls of kernels in a block, in order: `calls` is a list of (kernel, microseconds), filled when the block ends."""

    def __init__(self):
        self.calls = []
        self.by_device = True

    def totals(self):
        """For each kernel its calls and their sum in microseconds, the longest first: a list of (kernel, calls, total)."""
        sums = defaultdict(lambda: [0, 0.0])
        for kernel, time in self.calls:
            sums[kernel][0] += 1
            sums[kernel][1] += time
        return sorted(((k, n, t) for k, (n, t) in sums.items()), key=lambda row: -row[2])

    def __str__(self):
        clock = "the device's clock" if self.by_device else "the host's clock, with the wait for each call"
        lines = [f"{'kernel':24} {'calls':>8} {'total us':>12} {'mean us':>10}   ({clock})"]
        lines += [f"{k:24} {n:8d} {t:12.1f} {t / n:10.2f}" for k, n, t in self.totals()]
        return "\n".join(lines)


@contextmanager
def profile():
    """A block in which the time of every kernel is taken, by timestamps of the device where it has them.

    Each call runs by itself in the block, so that all of it takes longer than without.

    Yields: a Profile, whose `str` is a table, and whose `calls` and `totals()` are the numbers.

    Raises: RuntimeError: if there is no GPU.

    Example::

        with rustorch.gpu.profile() as p:
            model(x)
        print(p)
    """
    found = Profile()
    found.by_device = _C._gpu_info()["timestamps"]
    _C._gpu_profile(True)
    try:
        yield found
    finally:
        found.calls = [(kernel, time / 1000) for kernel, time in _C._gpu_profile(False)]
