"""What functions along axes share."""


def reduced(function, x, axis, keepdims):
    """`function(x, dim=, keepdim=)` over an axis, a tuple of axes, or with None all of them.

    No axes at all reduce every element alone, where torch would take an empty tuple for all dims.
    """
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if not axes:
        return function(x.unsqueeze(0), dim=(0,), keepdim=False)
    return function(x, dim=axes, keepdim=keepdims)


def one_axis(function):
    """Makes a reduction over one dim one over several: they become the last dim first."""

    def over_axes(x, dim, keepdim):
        last = tuple(range(-len(dim), 0))
        y = function(x.movedim(dim, last).flatten(-len(dim)), -1)
        if keepdim:
            for axis in sorted(axis % x.ndim for axis in dim):
                y = y.unsqueeze(axis)
        return y

    return over_axes
