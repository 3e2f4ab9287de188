"""Composites that stay in Python."""

import rustorch

__all__ = ["is_tensor", "is_floating_point", "is_complex", "numel"]


def is_tensor(obj):
    """Is `obj` a tensor?"""
    return isinstance(obj, rustorch.Tensor)


def is_floating_point(input):
    """Is the dtype a floating one?"""
    return input.is_floating_point()


def is_complex(input):
    """Is the dtype complex?"""
    return input.is_complex()


def numel(input):
    """Number of elements."""
    return input.numel()
