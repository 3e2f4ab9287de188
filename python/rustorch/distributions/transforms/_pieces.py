"""Different transforms for the pieces of a tensor."""

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transforms._base import Transform
from rustorch.distributions.utils import _sum_rightmost, lazy_property


class _Parts(Transform):
    """A sequence of transforms for pieces along a dim."""

    def __init__(self, tseq, dim=0, cache_size=0):
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    def _checked_pieces(self, x, name="tensor"):
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {x.dim()} dimensions")
        self._check_size(x.size(self.dim))
        return self._pieces(x)

    def _call(self, x):
        return self._joined([t(piece) for t, piece in zip(self.transforms, self._checked_pieces(x))], dim=self.dim)

    def _inverse(self, y):
        return self._joined([t.inv(piece) for t, piece in zip(self.transforms, self._checked_pieces(y))], dim=self.dim)

    def log_abs_det_jacobian(self, x, y):
        pieces = zip(self.transforms, self._checked_pieces(x, "x"), self._checked_pieces(y, "y"))
        return self._joined_logs([self._log(t, u, v) for t, u, v in pieces], x.dim())

    @property
    def bijective(self):
        return all(t.bijective for t in self.transforms)


class CatTransform(_Parts):
    """Transform i for the i-th piece, `lengths[i]` long, along a dim: as `torch.cat` joins.

    Args:
        tseq (list of Transform): one for each piece.
        dim (int, 0): along which the pieces lie.
        lengths (list of int, None): of the pieces; None means 1 each.
        cache_size (int, 0): of each transform.
    Raises:  AssertionError: if lengths and sizes do not fit.
    Example:
        >>> from rustorch.distributions.transforms import CatTransform, ExpTransform, identity_transform
        >>> CatTransform([ExpTransform(), identity_transform], lengths=[1, 2])(torch.zeros(3))
        tensor([1., 0., 0.])
    """

    _arguments = ("transforms", "dim", "lengths")
    _joined = staticmethod(rustorch.cat)

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @lazy_property
    def event_dim(self):
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self):
        return sum(self.lengths)

    def _check_size(self, size):
        if size != self.length:
            raise AssertionError(f"x.size({self.dim}) = {size} must equal length {self.length}")

    def _pieces(self, x):
        return x.split(self.lengths, self.dim)

    def _log(self, t, x, y):
        return _sum_rightmost(t.log_abs_det_jacobian(x, y), self.event_dim - t.event_dim)

    def _joined_logs(self, logs, ndim):
        # Pieces of the batch lie side by side, pieces of an event make one number.
        dim = self.dim - ndim if self.dim >= 0 else self.dim
        dim += self.event_dim
        return rustorch.cat(logs, dim=dim) if dim < 0 else sum(logs)

    @constraints.dependent_property
    def domain(self):
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self):
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Parts):
    """Transform i for entry i along a dim: as `torch.stack` joins.

    Args:
        tseq (list of Transform): one for each entry.
        dim (int, 0): along which they lie.
        cache_size (int, 0): of each transform.
    Raises:  AssertionError: if the dim has another size.
    Example:
        >>> from rustorch.distributions.transforms import ExpTransform, StackTransform, identity_transform
        >>> StackTransform([ExpTransform(), identity_transform], dim=1)(torch.zeros(2, 2))
        tensor([[1., 0.],
                [1., 0.]])
    """

    _arguments = ("transforms", "dim")
    _joined = staticmethod(rustorch.stack)

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(tseq, dim, cache_size)

    def _check_size(self, size):
        if size != len(self.transforms):
            raise AssertionError(f"x.size({self.dim}) = {size} must equal len(transforms) {len(self.transforms)}")

    def _pieces(self, x):
        return x.unbind(self.dim)

    @staticmethod
    def _log(t, x, y):
        return t.log_abs_det_jacobian(x, y)

    def _joined_logs(self, logs, ndim):
        return rustorch.stack(logs, dim=self.dim)

    @constraints.dependent_property
    def domain(self):
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self):
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
