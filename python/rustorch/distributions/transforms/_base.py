"""Transforms in general, their inverses, and transforms made of others."""

import functools
import operator

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.utils import _sum_rightmost, lazy_property


class Transform:
    """A function `y = t(x)`; subclasses write `_call`, `_inverse` and, if bijective, `log_abs_det_jacobian`.

    Args:  cache_size (int, 0): 1 keeps the latest x and y, so that the inverse of a y just computed is its x.
    Attributes:
        domain, codomain (Constraint): where x and y are valid.
        bijective (bool): whether the inverse is exact; else `t(t.inv(t(x)))` is `t(x)` still.
        sign (int or Tensor): of the derivative of a monotone function of one number.
    Raises:  ValueError: for another cache size.
    Example:
        >>> from rustorch.distributions import constraints, transforms
        >>> class Double(transforms.Transform):
        ...     domain = codomain = constraints.real
        ...     bijective = True
        ...     def _call(self, x):
        ...         return 2 * x
        ...     def _inverse(self, y):
        ...         return y / 2
        >>> Double().inv(torch.tensor(6.0))
        tensor(3.)
    """

    bijective = False

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError(
                "cache_size must be 0 or 1\n"
                f"  {type(self).__name__}: expected 0 or 1, but got {cache_size}. The cache holds one value at most."
            )
        self._cache_size = cache_size
        self._inv = None
        self._cached_x_y = None, None
        super().__init__()

    def __getstate__(self):
        return vars(self) | {"_inv": None}

    @property
    def event_dim(self):
        """How many of the last dims one event has, if x and y agree on it."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self):
        """The inverse as a transform, whose own inverse is this one."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    @property
    def sign(self):
        """1 for a rising function, -1 for a falling one."""
        raise NotImplementedError

    # Attributes that keep the constructor's arguments, in order.
    _arguments = ()

    def with_cache(self, cache_size=1):
        """The same transform with another size of the cache."""
        if self._cache_size == cache_size:
            return self
        family = next(c for c in type(self).__mro__ if "_arguments" in vars(c))
        kind = type(self)
        # A subclass with a constructor of its own takes arguments that nobody knows here: it becomes its family.
        if kind.__init__ is not family.__init__:
            if not family._arguments:
                raise NotImplementedError(f"{kind}.with_cache is not implemented")
            kind = family
        return kind(*(getattr(self, name) for name in family._arguments), cache_size=cache_size)

    def __eq__(self, other):
        return self is other

    def __call__(self, x):
        """y of x."""
        if self._cache_size == 0:
            return self._call(x)
        if self._cached_x_y[0] is not x:
            self._cached_x_y = x, self._call(x)
        return self._cached_x_y[1]

    def _inv_call(self, y):
        if self._cache_size == 0:
            return self._inverse(y)
        if self._cached_x_y[1] is not y:
            self._cached_x_y = self._inverse(y), y
        return self._cached_x_y[0]

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """`log |det dy/dx|` of each event, given both."""
        raise NotImplementedError

    def __repr__(self):
        return self.__class__.__name__ + "()"

    def forward_shape(self, shape):
        """The shape of y for one of x."""
        return shape

    def inverse_shape(self, shape):
        """The shape of x for one of y."""
        return shape


class _InverseTransform(Transform):
    """The inverse of a transform, on whose cache it relies."""

    def __init__(self, transform):
        super().__init__(cache_size=transform._cache_size)
        self._inv = transform

    def __getstate__(self):
        return vars(self)

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return self._inv.codomain

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return self._inv.domain

    @property
    def bijective(self):
        return self._inv.bijective

    @property
    def sign(self):
        return self._inv.sign

    def with_cache(self, cache_size=1):
        return self._inv.with_cache(cache_size).inv

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    def __repr__(self):
        return f"{self.__class__.__name__}({self._inv!r})"

    def __call__(self, x):
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)


def _widened(constraint, event_dim):
    """The constraint for events of more dims."""
    more = event_dim - constraint.event_dim
    return constraints.independent(constraint, more) if more > 0 else constraint


class ComposeTransform(Transform):
    """Several transforms, one after the other.

    Args:  parts (list of Transform): the first is applied first. cache_size (int, 0): of each of them.
    Example:
        >>> from rustorch.distributions.transforms import ComposeTransform, ExpTransform, SigmoidTransform
        >>> ComposeTransform([ExpTransform(), SigmoidTransform()])(torch.tensor(0.0))
        tensor(0.7311)
    """

    _arguments = ("parts",)

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        if not self.parts:
            return constraints.real
        event_dim = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            event_dim = max(event_dim + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        return _widened(self.parts[0].domain, event_dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        if not self.parts:
            return constraints.real
        event_dim = self.parts[0].domain.event_dim
        for part in self.parts:
            event_dim = max(event_dim + part.codomain.event_dim - part.domain.event_dim, part.codomain.event_dim)
        return _widened(self.parts[-1].codomain, event_dim)

    @lazy_property
    def bijective(self):
        return all(part.bijective for part in self.parts)

    @lazy_property
    def sign(self):
        return functools.reduce(operator.mul, (part.sign for part in self.parts), 1)

    @property
    def inv(self):
        if self._inv is None:
            self._inv = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return rustorch.zeros_like(x)
        # What lies between comes from the caches where the parts have them; y is at hand.
        steps = [x]
        for part in self.parts[:-1]:
            steps.append(part(steps[-1]))
        steps.append(y)
        event_dim = self.domain.event_dim
        total = 0
        for part, x, y in zip(self.parts, steps, steps[1:]):
            total = total + _sum_rightmost(part.log_abs_det_jacobian(x, y), event_dim - part.domain.event_dim)
            event_dim += part.codomain.event_dim - part.domain.event_dim
        return total

    def forward_shape(self, shape):
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self):
        return f"{self.__class__.__name__}(\n    " + ",\n    ".join(repr(part) for part in self.parts) + "\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform whose last batch dims count as dims of the event: their logarithms of Jacobians are summed.

    Args:
        base_transform (Transform): the transform.
        reinterpreted_batch_ndims (int): how many dims.
        cache_size (int, 0): of the transform.
    Raises:  ValueError: if the input has fewer dims than an event.
    Example:
        >>> from rustorch.distributions.transforms import ExpTransform, IndependentTransform
        >>> t = IndependentTransform(ExpTransform(), 1)
        >>> t.log_abs_det_jacobian(torch.ones(2, 3), t(torch.ones(2, 3)))
        tensor([3., 3.])
    """

    _arguments = ("base_transform", "reinterpreted_batch_ndims")

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self):
        return self.base_transform.bijective

    @property
    def sign(self):
        return self.base_transform.sign

    def _call(self, x):
        _at_least(x.shape, self.domain.event_dim)
        return self.base_transform(x)

    def _inverse(self, y):
        _at_least(y.shape, self.codomain.event_dim)
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x, y):
        return _sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"

    def forward_shape(self, shape):
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape):
        return self.base_transform.inverse_shape(shape)


def _at_least(shape, dims):
    if len(shape) < dims:
        raise ValueError(
            "Too few dimensions on input\n"
            f"  transform: expected events of {dims} dims, but got the shape {tuple(shape)}. Add the missing dims."
        )


class ReshapeTransform(Transform):
    """Events of one shape as events of another with as many entries.

    Args:  in_shape, out_shape (Size): of x and y. cache_size (int, 0): of the cache.
    Raises:  ValueError: if they differ in the number of entries, or an input has another shape.
    Example:
        >>> from rustorch.distributions.transforms import ReshapeTransform
        >>> ReshapeTransform((4,), (2, 2))(torch.zeros(3, 4)).shape
        torch.Size([3, 2, 2])
    """

    bijective = True
    _arguments = ("in_shape", "out_shape")

    def __init__(self, in_shape, out_shape, cache_size=0):
        self.in_shape = rustorch.Size(in_shape)
        self.out_shape = rustorch.Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ValueError(
                "in_shape, out_shape have different numbers of elements\n"
                f"  ReshapeTransform: expected as many in both, but got {tuple(in_shape)} and {tuple(out_shape)}. "
                "Change one of them."
            )
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self):
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self):
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x):
        return x.reshape(x.shape[: x.dim() - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y):
        return y.reshape(y.shape[: y.dim() - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    @staticmethod
    def _changed(shape, old, new):
        _at_least(shape, len(old))
        cut = len(shape) - len(old)
        if shape[cut:] != old:
            raise ValueError(
                f"Shape mismatch: expected {shape[cut:]} but got {old}\n"
                f"  ReshapeTransform: expected events of shape {tuple(old)}, but got {tuple(shape)}. Reshape the input."
            )
        return shape[:cut] + new

    def forward_shape(self, shape):
        return self._changed(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape):
        return self._changed(shape, self.out_shape, self.in_shape)


class _Plain(Transform):
    """A transform without parameters: all of a class are equal."""

    def __eq__(self, other):
        return isinstance(other, type(self))
