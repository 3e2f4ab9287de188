"""The fused path of MultiheadAttention: a switch that can be set."""

_fastpath = True


def get_fastpath_enabled():
    """Is the fused path wanted?"""
    return _fastpath


def set_fastpath_enabled(value):
    """Note whether the fused path is wanted."""
    global _fastpath
    _fastpath = bool(value)
