"""cuDNN's switches: they can be set, and change nothing."""

from contextlib import contextmanager

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available():
    """False: there is no cuDNN."""
    return False


def version():
    """None: there is no cuDNN."""


def is_acceptable(tensor):
    """False: there is no cuDNN."""
    return False


@contextmanager
def flags(
    enabled=False, benchmark=False, benchmark_limit=10, deterministic=False, allow_tf32=True, fp32_precision="none"
):
    """A `with` block that sets the switches."""
    given = dict(locals())
    given.pop("fp32_precision")
    here = globals()
    before = {name: here[name] for name in given}
    here.update(given)
    try:
        yield
    finally:
        here.update(before)
