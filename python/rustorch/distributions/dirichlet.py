"""The Dirichlet distribution."""

import rustorch
from rustorch.autograd.function import Function
from rustorch.distributions import constraints
from rustorch.distributions.exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


def _Dirichlet_backward(x, concentration, grad_output):
    """The gradient of a sample by its concentrations, at a fixed quantile of each entry's marginal Beta."""
    total = concentration.sum(-1, True).expand_as(concentration)
    grad = rustorch._dirichlet_grad(x, concentration, total)
    return grad * (grad_output - (x * grad_output).sum(-1, True))


class _Dirichlet(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(concentration):
        return rustorch._sample_dirichlet(concentration)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output, *inputs)

    @staticmethod
    def backward(ctx, grad_output):
        return _Dirichlet_backward(*ctx.saved_tensors, grad_output)


class Dirichlet(ExponentialFamily):
    """Points of the simplex, of density proportional to `prod x_i^(concentration_i - 1)`.

    Args:
        concentration (Tensor): positive, one for each entry.
        validate_args (bool, None): see `Distribution`.
    Shape:  concentration `(*batch, n)`, events `(n,)`.
    Raises:  ValueError: if concentration is a number.
    Example:
        >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean
        tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _batched = ("concentration",)

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError(
                "`concentration` parameter must be at least one-dimensional.\n"
                "  Dirichlet: expected a vector or a batch of vectors, but got a number. Stack the concentrations."
            )
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape=()):
        concentration = self.concentration.expand(self._extended_shape(sample_shape))
        if concentration.requires_grad and rustorch.is_grad_enabled():
            return _Dirichlet.apply(concentration)
        return rustorch._sample_dirichlet(concentration)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return rustorch.xlogy(self.concentration - 1.0, value).sum(-1) - self._log_normalizer(self.concentration)

    @property
    def mean(self):
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self):
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        # Without a peak inside, the corner with the largest concentration; all corners have unbounded density.
        at_corner = (self.concentration < 1).all(-1)
        corner = mode[at_corner].argmax(-1)
        mode[at_corner] = rustorch.nn.functional.one_hot(corner, above.shape[-1]).to(mode)
        return mode

    @property
    def variance(self):
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def entropy(self):
        total = self.concentration.sum(-1)
        return (
            self._log_normalizer(self.concentration)
            - (self.concentration.size(-1) - total) * total.digamma()
            - ((self.concentration - 1.0) * self.concentration.digamma()).sum(-1)
        )

    @property
    def _natural_params(self):
        return (self.concentration,)

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
