"""Helpers for modes."""

import contextlib

no_dispatch = contextlib.nullcontext  # there are no dispatch modes to leave out


def all_same_mode(modes):
    """Are all entries the same mode?"""
    return all(mode == modes[0] for mode in modes)
