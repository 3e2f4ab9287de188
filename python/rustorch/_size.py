"""`torch.Size`: a tensor's shape."""

import operator


def _extent(place, n):
    try:
        return int(operator.index(n))
    except TypeError:
        name = type(n).__name__
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {place} is '{name}')") from None


class Size(tuple[int, ...]):
    """The extents of a tensor, outermost first: a tuple that stays a Size when sliced, joined or repeated.

    Example:
        >>> Size([2, 3])[1:]
        torch.Size([3])
    """

    __slots__ = ()
    __module__ = "rustorch"

    def __new__(cls, extents=()):
        return tuple.__new__(cls, [_extent(place, n) for place, n in enumerate(extents)])

    def __repr__(self):
        return f"torch.Size([{', '.join(map(repr, self))}])"

    # Slicing gives a Size through a slot that the extension module sets: `shape[0]` is too common for a method here.

    def __add__(self, other):
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return tuple.__new__(Size, tuple.__add__(self, other))

    def __radd__(self, other):
        if not isinstance(other, tuple):
            return NotImplemented
        return tuple.__new__(Size, tuple.__add__(other, self))

    def __mul__(self, times):
        return tuple.__new__(Size, tuple.__mul__(self, times))

    __rmul__ = __mul__

    def numel(self):
        """Number of elements of a tensor of this shape."""
        count = 1
        for n in self:
            count *= n
        return count

    def __reduce__(self):
        return Size, (tuple(self),)
