"""Exponential families: densities `exp(t(x) theta - F(theta) + k(x))` with natural parameters theta."""

import rustorch
from rustorch.distributions.distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A family that says its natural parameters and log-normaliser F, from which entropy and divergences follow.

    Subclasses have `_natural_params` (a tuple of tensors), `_log_normalizer(*natural_params)` and
    `_mean_carrier_measure`, the expectation of k(x).

    Example:
        >>> from rustorch.distributions import Exponential, ExponentialFamily
        >>> isinstance(Exponential(1.0), ExponentialFamily)
        True

    Source: Nielsen & Nock 2010, Entropies and cross-entropies of exponential families.
    """

    @property
    def _natural_params(self):
        raise NotImplementedError

    def _log_normalizer(self, *natural_params):
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def _mean_statistics(self):
        """Natural parameters as leaves, F of them, and its gradients, which are the expectations of t(x)."""
        params = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*params)
        return params, normalizer, rustorch.autograd.grad(normalizer.sum(), params, create_graph=True)

    def entropy(self):
        """`F(theta) - theta grad F(theta) - E k(x)`, in nats."""
        params, normalizer, statistics = self._mean_statistics()
        result = -self._mean_carrier_measure + normalizer
        for theta, t in zip(params, statistics):
            result = result - (theta * t).reshape(self._batch_shape + (-1,)).sum(-1)
        return result
