"""Transforms from the real line onto the regions of constraints.

`biject_to(constraint)` is one to one, as samplers need it; `transform_to(constraint)` may be many to one and suits
optimisers better. Both take further constraints through `register`.

Example:
    >>> from rustorch.distributions import biject_to, constraints, transform_to
    >>> transform_to(constraints.simplex)(torch.zeros(2)), biject_to(constraints.simplex)(torch.zeros(2))
    (tensor([0.5000, 0.5000]), tensor([0.3333, 0.3333, 0.3333]))
"""

from rustorch.distributions import constraints, transforms
from rustorch.types import _Number

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Makes a transform for a constraint by the function that is registered for its class.

    Raises:
        TypeError: from `register`, for what is no constraint.
        NotImplementedError: for a constraint that nothing is registered for.
    Example:
        >>> from rustorch.distributions import constraints, transforms
        >>> from rustorch.distributions.constraint_registry import ConstraintRegistry
        >>> registry = ConstraintRegistry()
        >>> @registry.register(constraints.positive)
        ... def softplus(constraint):
        ...     return transforms.SoftplusTransform()
        >>> registry(constraints.positive)
        SoftplusTransform()
    """

    def __init__(self):
        self._registry = {}
        super().__init__()

    def register(self, constraint, factory=None):
        """Use `factory(constraint)` for a class of constraints, or that of an instance; a decorator without factory."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, constraints.Constraint):
            constraint = type(constraint)
        if not isinstance(constraint, type) or not issubclass(constraint, constraints.Constraint):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}\n"
                "  register: pass one of torch.distributions.constraints, or derive a class from Constraint."
            )
        self._registry[constraint] = factory
        return factory

    def __call__(self, constraint):
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(
                f"Cannot transform {type(constraint).__name__} constraints\n"
                f"  expected a constraint with a transform, but got {constraint!r}. "
                "Write one and register it with .register(constraint)."
            ) from None
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _register(*regions, to=(biject_to, transform_to)):
    def decorator(factory):
        for registry in to:
            for region in regions:
                registry.register(region, factory)
        return factory

    return decorator


@_register(constraints.real)
def _real(constraint):
    return transforms.identity_transform


@_register(constraints.greater_than, constraints.greater_than_eq)
def _above(constraint):
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)]
    )


@_register(constraints.less_than)
def _below(constraint):
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    )


@_register(constraints.interval, constraints.half_open_interval)
def _between(constraint):
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, _Number) and isinstance(high, _Number) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@_register(constraints.corr_cholesky)
def _corr_cholesky(constraint):
    return transforms.CorrCholeskyTransform()


@_register(constraints.simplex, to=[biject_to])
def _sticks(constraint):
    return transforms.StickBreakingTransform()


@_register(constraints.simplex, to=[transform_to])
def _softmax(constraint):
    return transforms.SoftmaxTransform()


@_register(constraints.lower_cholesky, to=[transform_to])
def _lower_cholesky(constraint):
    return transforms.LowerCholeskyTransform()


@_register(constraints.positive_definite, constraints.positive_semidefinite, to=[transform_to])
def _positive_definite(constraint):
    return transforms.PositiveDefiniteTransform()


def _register_composites(registry):
    """Constraints of constraints become transforms of the same registry's transforms."""

    @registry.register(constraints.independent)
    def independent(constraint):
        return transforms.IndependentTransform(
            registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims
        )

    @registry.register(constraints.cat)
    def cat(constraint):
        return transforms.CatTransform([registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths)

    @registry.register(constraints.stack)
    def stack(constraint):
        return transforms.StackTransform([registry(c) for c in constraint.cseq], constraint.dim)


_register_composites(biject_to)
_register_composites(transform_to)
