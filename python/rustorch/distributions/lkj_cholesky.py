"""The LKJ distribution of correlation matrices, as Cholesky factors."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.beta import Beta
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors L of correlation matrices M of density proportional to `det(M)^(concentration - 1)`.

    Args:
        dim (int): rows of the matrices, 2 or more.
        concentration (float or Tensor, 1.0): 1 is uniform over correlation matrices, more favours weak correlations.
        validate_args (bool, None): see `Distribution`.
    Shape:  concentration `(*batch)`, events `(dim, dim)`.
    Raises:  ValueError: if dim is less than 2.
    Example:
        >>> factor = torch.distributions.LKJCholesky(3, 0.5).sample()
        >>> torch.allclose((factor @ factor.mT).diagonal(), torch.ones(3))
        True

    Source: Lewandowski, Kurowicka & Joe 2009, Generating random correlation matrices based on vines and extended
    onion method, section 3.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _batched = ("concentration", "_beta")
    _kept = ("dim",)

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.\n"
                "  LKJCholesky: the correlation of one variable is 1; pass dim=2 or more."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # Row i + 1 is a point of a ball: its squared length has a Beta distribution, its direction is uniform. The
        # first row has none; 0.5 stands there to keep the Beta valid.
        row = rustorch.arange(dim - 1, dtype=self.concentration.dtype, device=self.concentration.device)
        row = rustorch.cat([row.new_zeros((1,)), row])  # (dim,)
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(row + 0.5, marginal.unsqueeze(-1) - 0.5 * row)
        super().__init__(self.concentration.size(), rustorch.Size((dim, dim)), validate_args)

    def sample(self, sample_shape=_NO_DIMS):
        squares = self._beta.sample(sample_shape).unsqueeze(-1)  # (*, dim, 1)
        shape = self._extended_shape(sample_shape)
        normal = rustorch.randn(shape, dtype=squares.dtype, device=squares.device).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)
        w = rustorch.sqrt(squares) * direction
        # What is left of length 1 lies on the diagonal, which must not be 0.
        tiny = rustorch.finfo(w.dtype).tiny
        return w + (1 - (w**2).sum(-1)).clamp(min=tiny).sqrt().diag_embed()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        # The power of diagonal entry i is 2 (concentration - 1) + dim - i, i = 2, ... dim.
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        i = rustorch.arange(2, self.dim + 1, device=self.concentration.device)
        power = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - i
        m = self.dim - 1
        alpha = self.concentration + 0.5 * m
        normalizer = 0.5 * m * math.log(math.pi) + rustorch.mvlgamma(alpha - 0.5, m) - alpha.lgamma() * m
        return (power * diagonal.log()).sum(-1) - normalizer
