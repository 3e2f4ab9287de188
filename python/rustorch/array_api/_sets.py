"""Set functions of the array API standard. NaN equals nothing, so that each is an element of its own."""

from typing import NamedTuple

import rustorch

__all__ = ["unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAllResult(NamedTuple):
    """What `unique_all` gives."""

    values: rustorch.Tensor
    indices: rustorch.Tensor
    inverse_indices: rustorch.Tensor
    counts: rustorch.Tensor


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` gives."""

    values: rustorch.Tensor
    counts: rustorch.Tensor


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` gives."""

    values: rustorch.Tensor
    inverse_indices: rustorch.Tensor


def _order(x):
    """The indices that sort a vector; equal elements stay in order, and complex numbers go by real, then imaginary part."""
    if not x.is_complex():
        return rustorch.argsort(x, stable=True)
    by_imag = rustorch.argsort(x.imag, stable=True)
    return by_imag[rustorch.argsort(x.real[by_imag], stable=True)]


def unique_all(x, /):
    """The different elements, ascending, where each comes first, which of them each element is, and how many there are.

    Example:
        >>> from rustorch import array_api as xp
        >>> values, indices, inverse, counts = xp.unique_all(xp.asarray([2, 1, 2]))
        >>> values, indices, inverse, counts
        (tensor([1, 2]), tensor([1, 0]), tensor([1, 0, 1]), tensor([1, 2]))
    """
    flat = x.flatten()
    order = _order(flat)
    ordered = flat[order]
    first = rustorch.ones_like(flat, dtype=rustorch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = rustorch.nonzero(first).flatten()
    inverse = rustorch.empty_like(order)
    inverse[order] = rustorch.cumsum(first, 0) - 1
    ends = rustorch.full((1,), flat.numel(), dtype=rustorch.int64, device=x.device)
    counts = rustorch.diff(starts, append=ends)
    return UniqueAllResult(ordered[starts], order[starts], inverse.reshape(x.shape), counts)


def unique_counts(x, /):
    """The different elements, ascending, and how many there are of each."""
    found = unique_all(x)
    return UniqueCountsResult(found.values, found.counts)


def unique_inverse(x, /):
    """The different elements, ascending, and which of them each element is."""
    found = unique_all(x)
    return UniqueInverseResult(found.values, found.inverse_indices)


def unique_values(x, /):
    """The different elements, ascending."""
    return unique_all(x).values
