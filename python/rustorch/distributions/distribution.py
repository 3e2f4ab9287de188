"""The base class of all distributions."""

import warnings

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.utils import _NO_DIMS, _all_true, lazy_property

__all__ = ["Distribution"]

_FIX = "Correct them, or skip the check with validate_args=False."


class Distribution:
    """A probability distribution over tensors: a batch of independent ones, each over events of one shape.

    Samples have the shape `sample_shape + batch_shape + event_shape`, log-probabilities `sample_shape + batch_shape`.

    Args:
        batch_shape (Size): of the parameters, one distribution for each entry.
        event_shape (Size): of one sample of one distribution.
        validate_args (bool, None): check parameters when the distribution is made and values when they are scored;
            None takes the default, which is on unless Python runs with `-O`.
    Raises:
        ValueError: if a parameter does not satisfy its constraint in `arg_constraints`.
        NotImplementedError: from everything that a distribution has no closed form for.
    Example:
        >>> from rustorch.distributions import Normal
        >>> normal = Normal(torch.zeros(3), 1.0)
        >>> normal.batch_shape, normal.event_shape, normal.sample((5,)).shape
        (torch.Size([3]), torch.Size([]), torch.Size([5, 3]))
        >>> normal.log_prob(torch.tensor(0.0))
        tensor([-0.9189, -0.9189, -0.9189])
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    # What `expand` does of itself, for the family that names it: attributes whose first dims are those of the batch
    # (tensors and distributions), and attributes that it hands on.
    _batched = None
    _kept = ()

    @staticmethod
    def set_default_validate_args(value):
        """Turn the checks of parameters and values on or off for all distributions.

        Example:
            >>> from rustorch.distributions import Distribution, Normal
            >>> Distribution.set_default_validate_args(False)
            >>> Normal(0.0, -1.0)
            Normal(loc: 0.0, scale: -1.0)
            >>> Distribution.set_default_validate_args(True)
        """
        if value not in [True, False]:
            raise ValueError(f"set_default_validate_args: expected True or False, but got {value!r}. Pass a bool.")
        Distribution._validate_args = value

    def __init__(self, batch_shape=_NO_DIMS, event_shape=_NO_DIMS, validate_args=None):
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _validate_parameters(self):
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            arg_constraints = {}
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
        for name, constraint in arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            # Computed from a parameter that is checked itself.
            if name not in vars(self) and isinstance(getattr(type(self), name), lazy_property):
                continue
            value = getattr(self, name)
            if not _all_true(constraint.check(value)):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) "
                    f"of distribution {self!r} to satisfy the constraint {constraint!r}, "
                    f"but found invalid values:\n{value}\n{_FIX}"
                )

    def expand(self, batch_shape, _instance=None):
        """The same distribution with parameters expanded, as views, to another batch shape.

        Args:
            batch_shape (Size): the shape, to which the present one broadcasts.
            _instance (Distribution, None): the instance to fill in, for subclasses with a constructor of their own.
        Example:
            >>> from rustorch.distributions import Normal
            >>> Normal(0.0, 1.0).expand((2, 3)).batch_shape
            torch.Size([2, 3])
        """
        family = next((c for c in type(self).__mro__ if vars(c).get("_batched") is not None), None)
        if family is None:
            raise NotImplementedError
        new = self._get_checked_instance(family, _instance)
        batch_shape = rustorch.Size(batch_shape)
        own = len(self._batch_shape)
        held = vars(self)
        for name in family._batched:
            if name in held:
                value = held[name]
                shape = value.batch_shape if isinstance(value, Distribution) else value.shape
                setattr(new, name, value.expand(batch_shape + shape[own:]))
        for name in family._kept:
            setattr(new, name, held[name])
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def batch_shape(self):
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self):
        """The constraint of each parameter, by name."""
        raise NotImplementedError

    @property
    def support(self):
        """The constraint that all samples satisfy."""
        raise NotImplementedError

    @property
    def mean(self):
        """The expectation, `batch_shape + event_shape`; NaN where there is none."""
        raise NotImplementedError

    @property
    def mode(self):
        """The most probable value, `batch_shape + event_shape`."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self):
        """The variance of each entry, `batch_shape + event_shape`."""
        raise NotImplementedError

    @property
    def stddev(self):
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape=_NO_DIMS):
        """Samples without a graph, `sample_shape + batch_shape + event_shape`."""
        with rustorch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=_NO_DIMS):
        """Samples through which gradients reach the parameters, where `has_rsample` says so."""
        raise NotImplementedError

    def sample_n(self, n):
        """n samples: `sample((n,))`, which torch would have you write."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", category=FutureWarning, stacklevel=2
        )
        return self.sample(rustorch.Size((n,)))

    def log_prob(self, value):
        """The logarithm of the density or probability of each event in value."""
        raise NotImplementedError

    def cdf(self, value):
        """The probability of at most value."""
        raise NotImplementedError

    def icdf(self, value):
        """The quantile: where the probability of at most that is value, in [0, 1]."""
        raise NotImplementedError

    def enumerate_support(self, expand=True):
        """All values of a discrete distribution along a new first dim.

        Args:  expand (bool, True): over the batch; else its dims have size 1.
        """
        raise NotImplementedError

    def entropy(self):
        """The entropy in nats, of the shape `batch_shape`."""
        raise NotImplementedError

    def perplexity(self):
        """The exponential of the entropy."""
        return rustorch.exp(self.entropy())

    def _extended_shape(self, sample_shape=_NO_DIMS):
        shape = self._batch_shape + self._event_shape
        return shape if sample_shape == () else rustorch.Size(sample_shape) + shape

    def _full(self, number, like):
        """A constant for the whole batch, with dtype and device of a parameter."""
        return rustorch.full(self._extended_shape(), number, dtype=like.dtype, device=like.device)

    def _validate_sample(self, value):
        if not isinstance(value, rustorch.Tensor):
            raise ValueError(
                "The value argument to log_prob must be a Tensor\n"
                f"  {type(self).__name__}: expected a tensor, but got {type(value).__name__}. "
                "Convert it by torch.as_tensor."
            )
        actual, expected = value.size(), self._batch_shape + self._event_shape
        if actual[len(actual) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {actual} vs {self._event_shape}.\n"
                f"  {type(self).__name__}: expected events of shape {tuple(self._event_shape)}, "
                f"but got a value of shape {tuple(actual)}. Reshape it."
            )
        if any(i != j and 1 not in (i, j) for i, j in zip(reversed(actual), reversed(expected))):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {actual} vs {expected}.\n"
                f"  {type(self).__name__}: expected a shape that broadcasts with {tuple(expected)}, "
                f"but got {tuple(actual)}. Add dims of size 1."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not _all_true(support.check(value)):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}\n{_FIX}"
            )

    def _get_checked_instance(self, cls, _instance=None):
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom __init__ method must "
                "also define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def __repr__(self):
        held = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = (f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in held.items())
        return f"{self.__class__.__name__}({', '.join(shown)})"
