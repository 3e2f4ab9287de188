"""Functions of one number, entry by entry."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transforms._base import Transform, _Plain, _widened
from rustorch.distributions.utils import _sum_rightmost, broadcast_all, lazy_property
from rustorch.nn import functional as F
from rustorch.types import _Number


class _Rising(_Plain):
    """A rising function from the real line, entry by entry."""

    domain = constraints.real
    bijective = True
    sign = +1


class ExpTransform(_Rising):
    """`exp(x)`.

    Example:
        >>> torch.distributions.ExpTransform().inv(torch.tensor(1.0))
        tensor(0.)
    """

    codomain = constraints.positive

    def _call(self, x):
        return x.exp()

    def _inverse(self, y):
        return y.log()

    def log_abs_det_jacobian(self, x, y):
        return x


def _broadcast(shape, *values):
    return rustorch.broadcast_shapes(shape, *(getattr(value, "shape", ()) for value in values))


class PowerTransform(Transform):
    """`x ** exponent` for positive x.

    Args:  exponent (float or Tensor): not 0. cache_size (int, 0): of the cache.
    Example:
        >>> torch.distributions.PowerTransform(2.0).inv(torch.tensor(9.0))
        tensor(3.)
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True
    _arguments = ("exponent",)

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size=cache_size)
        (self.exponent,) = broadcast_all(exponent)

    @lazy_property
    def sign(self):
        return self.exponent.sign()

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and self.exponent.eq(other.exponent).all().item()

    def _call(self, x):
        return x.pow(self.exponent)

    def _inverse(self, y):
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x, y):
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape):
        return _broadcast(shape, self.exponent)

    inverse_shape = forward_shape


def _clipped(probs):
    """Probabilities off 0 and 1, so that their log-odds are finite."""
    finfo = rustorch.finfo(probs.dtype)
    return probs.clamp(min=finfo.tiny, max=1.0 - finfo.eps)


class SigmoidTransform(_Rising):
    """`1 / (1 + exp(-x))`, off 0 and 1 by the least step of the dtype.

    Example:
        >>> torch.distributions.SigmoidTransform()(torch.tensor(0.0))
        tensor(0.5000)
    """

    codomain = constraints.unit_interval

    def _call(self, x):
        return _clipped(rustorch.sigmoid(x))

    def _inverse(self, y):
        y = _clipped(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x, y):
        return -F.softplus(-x) - F.softplus(x)


class SoftplusTransform(_Rising):
    """`log(1 + exp(x))`; x itself above 20.

    Example:
        >>> torch.distributions.SoftplusTransform()(torch.tensor(0.0))
        tensor(0.6931)
    """

    codomain = constraints.positive

    def _call(self, x):
        return F.softplus(x)

    def _inverse(self, y):
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x, y):
        return -F.softplus(-x)


class TanhTransform(_Rising):
    """`tanh(x)`. The inverse of a y near -1 or 1 is far out; `cache_size=1` spares it where x is known.

    Example:
        >>> torch.distributions.TanhTransform()(torch.tensor(1.0))
        tensor(0.7616)
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x):
        return x.tanh()

    def _inverse(self, y):
        return rustorch.atanh(y)

    def log_abs_det_jacobian(self, x, y):
        # 1 - tanh(x)^2 = 4 exp(-2 x) / (1 + exp(-2 x))^2, which does not cancel for large x.
        return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))


class AbsTransform(_Plain):
    """`|x|`, whose inverse takes the positive x; not bijective.

    Example:
        >>> torch.distributions.AbsTransform()(torch.tensor(-1.0))
        tensor(1.)
    """

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


def _same(a, b):
    if isinstance(a, _Number) and isinstance(b, _Number):
        return a == b
    return (a == b).all().item()


class AffineTransform(Transform):
    """`loc + scale * x`.

    Args:
        loc (float or Tensor): the shift.
        scale (float or Tensor): the factor, not 0.
        event_dim (int, 0): how many of the last dims one event has: their logarithms of Jacobians are summed.
        cache_size (int, 0): of the cache.
    Example:
        >>> torch.distributions.AffineTransform(1.0, 2.0)(torch.tensor(3.0))
        tensor(7.)
    """

    bijective = True
    _arguments = ("loc", "scale", "event_dim")

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    @property
    def event_dim(self):
        return self._event_dim

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return _widened(constraints.real, self.event_dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return _widened(constraints.real, self.event_dim)

    def __eq__(self, other):
        return isinstance(other, AffineTransform) and _same(self.loc, other.loc) and _same(self.scale, other.scale)

    @property
    def sign(self):
        if isinstance(self.scale, _Number):
            return (self.scale > 0) - (self.scale < 0)
        return self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        if isinstance(self.scale, _Number):
            result = rustorch.full_like(x, math.log(abs(self.scale)))
        else:
            result = rustorch.abs(self.scale).log()
        result = _sum_rightmost(result, self.event_dim)
        return result.expand(x.shape[: x.dim() - self.event_dim])

    def forward_shape(self, shape):
        return _broadcast(shape, self.loc, self.scale)

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """The distribution function of a distribution, which makes its samples uniform.

    Args:  distribution (Distribution): has `cdf` and `icdf`. cache_size (int, 0): of the cache.
    Example:
        >>> from rustorch.distributions import CumulativeDistributionTransform, Normal
        >>> CumulativeDistributionTransform(Normal(0.0, 1.0))(torch.tensor(0.0))
        tensor(0.5000)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = +1
    _arguments = ("distribution",)

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self):
        return self.distribution.support

    def _call(self, x):
        return self.distribution.cdf(x)

    def _inverse(self, y):
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x, y):
        return self.distribution.log_prob(x)
