"""The von Mises distribution."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._location import AtLoc
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, broadcast_all, lazy_property

__all__ = ["VonMises"]

# Coefficients of polynomials for the modified Bessel functions I0 and I1, in (x / 3.75)^2 up to 3.75 and in 3.75 / x
# above. Source: Abramowitz & Stegun 1964, 9.8.1 to 9.8.4.
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
_LARGE = (
    (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377),
    (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059),
)


def _polynomial(y, coefficients):
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = coefficient + y * result
    return result


def _log_modified_bessel_fn(x, order=0):
    """`log I_order(x)` for positive x and the orders 0 and 1."""
    if order not in (0, 1):
        raise AssertionError(f"order must be 0 or 1, got {order}")
    small = _polynomial((x / 3.75) ** 2, _SMALL[order])
    small = (x.abs() * small if order == 1 else small).log()
    large = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return rustorch.where(x < 3.75, small, large)


class VonMises(AtLoc, Distribution):
    """Angles, of density `exp(concentration cos(x - loc)) / (2 pi I0(concentration))`.

    Args:
        loc (Tensor): the mean angle, in radians.
        concentration (Tensor): positive; 0 would be uniform on the circle.
        validate_args (bool, None): see `Distribution`.
    Example:
        >>> d = torch.distributions.VonMises(torch.tensor(0.0), torch.tensor(4.0))
        >>> d.log_prob(torch.tensor([0.0, torch.pi]))
        tensor([-0.2628, -8.2628])

    Note: samples lie in [-pi, pi); the variance is the circular one, `1 - I1 / I0`.
    Source of the sampler: Best & Fisher 1979, Efficient simulation of the von Mises distribution.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _batched = ("loc", "concentration")

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, rustorch.Size(), validate_args)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        energy = self.concentration * rustorch.cos(value - self.loc)
        return energy - math.log(2 * math.pi) - _log_modified_bessel_fn(self.concentration, order=0)

    # The sampler counts in double precision where the device has it: single loses angles at extreme concentrations.
    @lazy_property
    def _loc(self):
        return self.loc.to(rustorch.double) if self.loc.device.type == "cpu" else self.loc

    @lazy_property
    def _concentration(self):
        return self.concentration.to(self._loc.dtype)

    @lazy_property
    def _proposal_r(self):
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        # For small concentrations rho cancels; two terms of a Taylor series instead.
        return rustorch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    @rustorch.no_grad()
    def sample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        options = {"dtype": self._loc.dtype, "device": self.loc.device}
        angle = rustorch.zeros(shape, **options)
        done = rustorch.zeros(shape, dtype=rustorch.bool, device=self.loc.device)
        r = self._proposal_r
        while not done.all():
            # The proposal is a wrapped Cauchy distribution.
            u1, u2, u3 = rustorch.rand((3,) + shape, **options).unbind()
            z = rustorch.cos(math.pi * u1)
            f = (1 + r * z) / (r + z)
            c = self._concentration * (r - f)
            accept = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
            angle = rustorch.where(accept, (u3 - 0.5).sign() * f.acos(), angle)
            done = done | accept
        return ((angle + math.pi + self._loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    @lazy_property
    def variance(self):
        log_i1, log_i0 = (_log_modified_bessel_fn(self.concentration, order) for order in (1, 0))
        return 1 - (log_i1 - log_i0).exp()
