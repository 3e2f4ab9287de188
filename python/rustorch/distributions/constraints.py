"""Constraints: where parameters and samples are valid. `constraint.check(value)` gives a bool per event.

Singletons such as `real`, `positive` and `simplex` are instances; `greater_than`, `interval`, `independent`, `cat` and the
like are classes that take their bounds or parts.

Example:
    >>> from rustorch.distributions import constraints
    >>> constraints.unit_interval.check(torch.tensor([0.5, 2.0]))
    tensor([ True, False])
    >>> constraints.simplex.check(torch.tensor([[0.5, 0.5], [0.5, 0.6]]))
    tensor([ True, False])
"""

import rustorch
from rustorch.distributions.utils import _all_true

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]


class Constraint:
    """A region of values; subclasses write `check`.

    Attributes:
        is_discrete (bool): whether the region is a set of separate points.
        event_dim (int): how many of the last dims one event has; `check` gives a bool for each event.
    Example:
        >>> from rustorch.distributions import constraints
        >>> class Even(constraints.Constraint):
        ...     is_discrete = True
        ...     def check(self, value):
        ...         return value % 2 == 0
        >>> Even().check(torch.tensor([1, 2]))
        tensor([False,  True])
    """

    is_discrete = False
    event_dim = 0

    def check(self, value):
        """A bool tensor of `value.shape` without the event's dims: whether each event is valid."""
        raise NotImplementedError

    def __repr__(self):
        return self.__class__.__name__[1:] + "()"


def _checked(base):
    if not isinstance(base, Constraint):
        raise AssertionError(f"base_constraint must be a Constraint, got {type(base).__name__}")
    return base


def _all_of_last(valid, kept, expected, value):
    """Whether all bools after the first `kept` dims hold."""
    if kept < 0:
        raise ValueError(
            f"Expected value.dim() >= {expected} but got {value.dim()}\n"
            f"  check: expected events of {expected} dims, but got a value of shape {tuple(value.shape)}. "
            "Add the missing dims."
        )
    return valid.reshape(valid.shape[:kept] + (-1,)).all(-1)


class _Dependent(Constraint):
    """Stands for a region that other parameters decide; only its kind may be known beforehand."""

    def __init__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        self._is_discrete = is_discrete
        self._event_dim = event_dim
        super().__init__()

    @property
    def is_discrete(self):
        if self._is_discrete is NotImplemented:
            raise NotImplementedError(".is_discrete cannot be determined statically")
        return self._is_discrete

    @property
    def event_dim(self):
        if self._event_dim is NotImplemented:
            raise NotImplementedError(".event_dim cannot be determined statically")
        return self._event_dim

    def __call__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, x):
        raise ValueError("Cannot determine validity of dependent constraint")


def is_dependent(constraint):
    """Whether a constraint is known on instances alone, as `Uniform.support`.

    Example:
        >>> from rustorch.distributions import Uniform, constraints
        >>> constraints.is_dependent(Uniform.support), constraints.is_dependent(Uniform(0.0, 1.0).support)
        (True, False)
    """
    return isinstance(constraint, _Dependent)


class _DependentProperty(property, _Dependent):
    """A property of instances that is a dependent constraint on the class."""

    def __init__(self, fn=None, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        super().__init__(fn)
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, fn):
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


class _OfAnother(Constraint):
    """Asks another constraint about what it makes of a value."""

    def __init__(self, base_constraint):
        self.base_constraint = _checked(base_constraint)
        super().__init__()

    @property
    def is_discrete(self):
        return self.base_constraint.is_discrete

    @property
    def event_dim(self):
        return self.base_constraint.event_dim


class _IndependentConstraint(_OfAnother):
    """Holds for an event if it holds for every entry of its last `reinterpreted_batch_ndims` dims."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        super().__init__(base_constraint)
        n = reinterpreted_batch_ndims
        if not isinstance(n, int):
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {type(n).__name__}")
        if n < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {n}")
        self.reinterpreted_batch_ndims = n

    @property
    def event_dim(self):
        return super().event_dim + self.reinterpreted_batch_ndims

    def check(self, value):
        valid = self.base_constraint.check(value)
        return _all_of_last(valid, valid.dim() - self.reinterpreted_batch_ndims, self.event_dim, value)

    def __repr__(self):
        return f"{self.__class__.__name__[1:]}({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(_OfAnother):
    """Holds for a sample of a mixture if every component could have drawn it.

    Args:  base_constraint (Constraint): the support of the components, whose last batch dim counts them.
    Example:
        >>> from rustorch.distributions import constraints
        >>> bounds = constraints.less_than(torch.tensor([1.0, 2.0]))
        >>> constraints.MixtureSameFamilyConstraint(bounds).check(torch.tensor([0.5, 1.5]))
        tensor([ True, False])
    """

    def check(self, value):
        valid = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return _all_of_last(valid, value.dim() - self.event_dim, self.event_dim, value)

    def __repr__(self):
        return f"{self.__class__.__name__}({self.base_constraint!r})"


class _Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value):
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    """Vectors of one 1 among 0."""

    is_discrete = True
    event_dim = 1

    def check(self, value):
        return _Boolean().check(value).all(-1) & value.sum(-1).eq(1)


class _Real(Constraint):
    """The real line with its infinite ends; NaN alone is outside."""

    def check(self, value):
        return value == value


class _Bounded(Constraint):
    """Prints its bounds, which are all that it holds."""

    def __repr__(self):
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{self.__class__.__name__[1:]}({bounds})"


class _Above(_Bounded):
    def __init__(self, lower_bound):
        self.lower_bound = lower_bound
        super().__init__()


class _Below(_Bounded):
    def __init__(self, upper_bound):
        self.upper_bound = upper_bound
        super().__init__()


class _Between(_Bounded):
    def __init__(self, lower_bound, upper_bound):
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        super().__init__()


class _GreaterThan(_Above):
    def check(self, value):
        return self.lower_bound < value


class _GreaterThanEq(_Above):
    def check(self, value):
        return self.lower_bound <= value


class _LessThan(_Below):
    def check(self, value):
        return value < self.upper_bound


class _Interval(_Between):
    def check(self, value):
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class _HalfOpenInterval(_Between):
    def check(self, value):
        return (self.lower_bound <= value) & (value < self.upper_bound)


class _IntegerInterval(_Between):
    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (self.lower_bound <= value) & (value <= self.upper_bound)


class _IntegerLessThan(_Below):
    """Whole numbers up to the bound, which is among them."""

    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (value <= self.upper_bound)


class _IntegerGreaterThan(_Above):
    """Whole numbers from the bound on, which is among them."""

    is_discrete = True

    def check(self, value):
        return (value % 1 == 0) & (value >= self.lower_bound)


class _Simplex(Constraint):
    """Vectors of numbers from 0 on with the sum 1, up to 1e-6."""

    event_dim = 1

    def check(self, value):
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _Multinomial(Constraint):
    """Vectors of counts with a sum of at most `upper_bound`."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, x):
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value):
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular with a positive diagonal."""

    def check(self, value):
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """Cholesky factors of correlation matrices: rows of length 1, up to 10 eps per column."""

    def check(self, value):
        tolerance = rustorch.finfo(value.dtype).eps * value.size(-1) * 10
        length = rustorch.linalg.norm(value.detach(), dim=-1)
        return super().check(value) & (length - 1.0).abs().le(tolerance).all(-1)


class _Square(Constraint):
    event_dim = 2

    def check(self, value):
        is_square = value.shape[-2] == value.shape[-1]
        return rustorch.full(value.shape[:-2], is_square, dtype=rustorch.bool, device=value.device)


class _Symmetric(_Square):
    """Symmetric up to 1e-6."""

    def check(self, value):
        square = super().check(value)
        if not _all_true(square):
            return square
        return rustorch.isclose(value, value.mT, atol=1e-6).all(-2).all(-1)


class _PositiveSemidefinite(_Symmetric):
    def check(self, value):
        symmetric = super().check(value)
        if not _all_true(symmetric):
            return symmetric
        return rustorch.linalg.eigvalsh(value).ge(0).all(-1)


class _PositiveDefinite(_Symmetric):
    def check(self, value):
        symmetric = super().check(value)
        if not _all_true(symmetric):
            return symmetric
        return rustorch.linalg.cholesky_ex(value).info.eq(0)


class _Parts(Constraint):
    """A sequence of constraints for pieces along a dim."""

    def __init__(self, cseq, dim=0):
        if not all(isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq = list(cseq)
        self.dim = dim
        super().__init__()

    @property
    def is_discrete(self):
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self):
        return max(c.event_dim for c in self.cseq)

    def check(self, value):
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")
        return self._joined([c.check(piece) for c, piece in zip(self.cseq, self._pieces(value))], self.dim)


class _Cat(_Parts):
    """Constraint i holds for the i-th piece, `lengths[i]` long, along `dim`."""

    _joined = staticmethod(rustorch.cat)

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def _pieces(self, value):
        start = 0
        for length in self.lengths:
            yield value.narrow(self.dim, start, length)
            start += length


class _Stack(_Parts):
    """Constraint i holds for entry i along `dim`."""

    _joined = staticmethod(rustorch.stack)

    @property
    def event_dim(self):
        inner = super().event_dim
        # A dim counted from the end that lies within the events makes them one dim larger.
        return inner + 1 if self.dim + inner < 0 else inner

    def _pieces(self, value):
        return value.unbind(self.dim)


dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
boolean = _Boolean()
one_hot = _OneHot()
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
integer_interval = _IntegerInterval
real = _Real()
real_vector = independent(real, 1)
positive = _GreaterThan(0.0)
nonnegative = _GreaterThanEq(0.0)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
multinomial = _Multinomial
unit_interval = _Interval(0.0, 1.0)
interval = _Interval
half_open_interval = _HalfOpenInterval
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
cat = _Cat
stack = _Stack
