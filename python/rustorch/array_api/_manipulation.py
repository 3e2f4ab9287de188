"""Manipulation functions of the array API standard; views wherever torch makes them."""

import rustorch
from rustorch.array_api._data_types import operands

__all__ = [
    *("concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack"),
    *("tile", "unstack"),
]


def concat(arrays, /, *, axis=0):
    """The arrays one after another along an axis; None flattens them first."""
    arrays = operands(*arrays)
    if axis is None:
        arrays, axis = [x.flatten() for x in arrays], 0
    return rustorch.cat(arrays, axis)


def expand_dims(x, /, axis):
    """A view with an axis of size 1 at `axis`."""
    return x.unsqueeze(axis)


def flip(x, /, *, axis=None):
    """`x` in reverse order along an axis, a tuple of axes, or with None all of them."""
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return rustorch.flip(x, axes)


def moveaxis(x, source, destination, /):
    """A view with some axes moved to other places; the rest keep their order."""
    return rustorch.moveaxis(x, source, destination)


def permute_dims(x, /, axes):
    """A view with the axes in another order."""
    return x.permute(axes)


def repeat(x, repeats, /, *, axis=None):
    """Each element `repeats` times along an axis; None flattens `x` first.

    Args:  repeats (int or array of integers): one count for all, or one for each element along the axis.
    """
    if isinstance(repeats, rustorch.Tensor):
        repeats = repeats.to(rustorch.int64)
    return rustorch.repeat_interleave(x, repeats, axis)


def reshape(x, /, shape, *, copy=None):
    """`x` with another shape; one size may be -1.

    Args:  copy (bool, None): True always copies, False never does; None copies where it must.
    Raises:  ValueError: for copy=False where only a copy can be made.
    """
    if copy:
        return x.clone(memory_format=rustorch.contiguous_format).reshape(shape)
    if copy is None:
        return x.reshape(shape)
    try:
        return x.view(shape)
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def roll(x, /, shift, *, axis=None):
    """`x` shifted along an axis or a tuple of axes; what leaves at the end comes in at the start.

    Args:  shift (int or tuple of int): one for all axes, or one for each. axis: None shifts the flattened array.
    """
    if axis is None:
        return rustorch.roll(x, shift)
    if isinstance(axis, tuple) and isinstance(shift, int):
        shift = (shift,) * len(axis)
    return rustorch.roll(x, shift, axis) if axis != () else x.clone()


def squeeze(x, /, axis):
    """A view without some axes of size 1.

    Raises:  ValueError: if one has another size.
    """
    axes = (axis,) if isinstance(axis, int) else axis
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(f"squeeze: expected axis {one} of size 1, but got {x.shape[one]}. Leave it out.")
    return x.squeeze(axes)


def stack(arrays, /, *, axis=0):
    """The arrays, all of one shape, along a new axis."""
    return rustorch.stack(operands(*arrays), axis)


def tile(x, repetitions, /):
    """`x` side by side with itself, some times along each axis; the shorter of both gets ones in front."""
    return rustorch.tile(x, repetitions)


def unstack(x, /, *, axis=0):
    """A tuple of the parts of `x` along an axis, as views without it."""
    return rustorch.unbind(x, axis)
