"""`torch.Size`: a tensor's shape."""

import operator


class Size(tuple):
    """The extents of a tensor, outermost first: a tuple that stays a Size when sliced, joined or repeated.

    Example:
        >>> Size([2, 3])[1:]
        torch.Size([3])
    """

    __slots__ = ()
    __module__ = "rustorch"

    def __new__(cls, extents=()):
        extents = tuple(operator.index(n) for n in extents)
        return tuple.__new__(cls, extents)

    def __repr__(self):
        return f"torch.Size([{', '.join(map(repr, self))}])"

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other):
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(self, other))

    def __radd__(self, other):
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(other, self))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def numel(self):
        """Number of elements of a tensor of this shape."""
        count = 1
        for n in self:
            count *= n
        return count

    def __reduce__(self):
        return Size, (tuple(self),)
