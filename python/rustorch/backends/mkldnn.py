"""oneDNN's switches: they can be set, and change nothing."""

from contextlib import contextmanager

enabled = False
deterministic = False
allow_tf32 = True


def is_available():
    """False: oneDNN is not used."""
    return False


@contextmanager
def flags(enabled=False, deterministic=False, allow_tf32=True, fp32_precision="none"):
    """A `with` block without effect."""
    yield
