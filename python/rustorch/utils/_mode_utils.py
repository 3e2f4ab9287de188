"""Helpers for modes."""

import contextlib

from rustorch import _C

# Torch keeps them there. There are no dispatch modes and no functional transforms to leave out.
_C._DisableTorchDispatch = _C._DisableFuncTorch = contextlib.nullcontext
no_dispatch = _C._DisableTorchDispatch


def all_same_mode(modes):
    """Are all entries the same mode?"""
    return all(mode == modes[0] for mode in modes)
