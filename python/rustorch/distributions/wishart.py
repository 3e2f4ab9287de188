"""The Wishart distribution."""

import math
import warnings

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.chi2 import Chi2
from rustorch.distributions.exp_family import ExponentialFamily
from rustorch.distributions.multivariate_normal import _Covariance, _log_det_of_factor
from rustorch.distributions.utils import _NO_DIMS
from rustorch.types import _Number

__all__ = ["Wishart"]


def _mvdigamma(x, p):
    """The derivative of the logarithm of the multivariate gamma function of dimension p."""
    if not x.gt((p - 1) / 2).all():
        raise AssertionError("Wrong domain for multivariate digamma function.")
    return rustorch.digamma(x.unsqueeze(-1) - rustorch.arange(p, dtype=x.dtype, device=x.device) / 2).sum(-1)


class Wishart(_Covariance, ExponentialFamily):
    """The sum of `x x^T` over df normal vectors x with mean 0: positive definite matrices, with a density for any df.

    Args:
        df (float or Tensor): degrees of freedom, more than p - 1.
        covariance_matrix (Tensor, None): of the vectors, positive definite.
        precision_matrix (Tensor, None): its inverse.
        scale_tril (Tensor, None): its lower Cholesky factor, of positive diagonal: the form that all is computed with.
        validate_args (bool, None): see `Distribution`.
    Shape:  df `(*batch)`, matrices `(*batch, p, p)`, events `(p, p)`.
    Raises:
        AssertionError: unless one form of the covariance is given.
        ValueError: for a vector as matrix, or too small a df.
    Example:
        >>> torch.distributions.Wishart(torch.tensor(3.0), covariance_matrix=torch.eye(2)).mean
        tensor([[3., 0.],
                [0., 3.]])

    Note: df below p warns, since single precision may make samples singular.
    Source: Odell & Feiveson 1966, A numerical procedure to generate a sample covariance matrix (Bartlett's sampler).
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _batched = ("df", "covariance_matrix", "precision_matrix", "scale_tril", "_dist_chi2")
    _kept = ("_unbroadcasted_scale_tril",)

    @property
    def arg_constraints(self):
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        name, matrix = self._given(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        if name is None:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.\n"
                "  Wishart: expected one of them, but got none or several. Pass one."
            )
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions\n"
                f"  Wishart: expected matrices, but got {name} of shape {tuple(matrix.shape)}. "
                "Make a diagonal matrix of it by torch.diag_embed."
            )
        if isinstance(df, _Number):
            df = rustorch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = rustorch.broadcast_shapes(matrix.shape[:-2], df.shape)
        self.df = df.expand(batch_shape)
        p = matrix.size(-1)
        if self.df.le(p - 1).any():
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.\n"
                f"  Wishart: expected more for {p}x{p} matrices. Raise df."
            )
        if self.df.lt(p).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        self._hold(name, matrix, batch_shape)
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = self._factor(name, matrix)
        # The squared diagonal of the factor of a sample of covariance 1.
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - rustorch.arange(p, dtype=matrix.dtype, device=matrix.device))

    def _of_batch(self, factor):
        return factor.view(self._batch_shape + (1, 1))

    @property
    def mean(self):
        return self._of_batch(self.df) * self.covariance_matrix

    @property
    def mode(self):
        factor = self.df - self._event_shape[-1] - 1
        return self._of_batch(rustorch.where(factor <= 0, rustorch.nan, factor)) * self.covariance_matrix

    @property
    def variance(self):
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._of_batch(self.df) * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape=_NO_DIMS):
        p = self._event_shape[-1]
        diagonal = self._dist_chi2.rsample(sample_shape).sqrt()
        factor = diagonal.clamp(min=rustorch.finfo(diagonal.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        i, j = rustorch.tril_indices(p, p, offset=-1)
        shape = rustorch.Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,)
        factor[..., i, j] = rustorch.randn(shape, dtype=factor.dtype, device=factor.device)
        chol = self._unbroadcasted_scale_tril @ factor
        return chol @ chol.mT

    def rsample(self, sample_shape=_NO_DIMS, max_try_correction=None):
        """Samples through which gradients reach the parameters; singular ones are drawn again.

        Args:
            sample_shape (Size): of the samples.
            max_try_correction (int, None): how often, at most; None means 10. What is singular then is handed out.
        """
        sample_shape = rustorch.Size(sample_shape)
        # torch takes the samples that pass its check for singular, and draws them again; without this draw ours would
        # not be its samples.
        self._bartlett_sampling(sample_shape)
        sample = self._bartlett_sampling(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            singular = ~self.support.check(sample)
            if self._batch_shape:
                singular = singular.flatten(-len(self._batch_shape)).any(-1)
            if not singular.any():
                return sample
            sample[singular] = self._bartlett_sampling((int(singular.sum()),))
        if not self.support.check(sample).all():
            warnings.warn("Singular sample detected.", stacklevel=2)
        return sample

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        nu, p, tril = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        trace = rustorch.cholesky_solve(value, tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (
            -nu * (p * math.log(2) / 2 + _log_det_of_factor(tril))
            - rustorch.mvlgamma(nu / 2, p=p)
            + (nu - p - 1) / 2 * rustorch.linalg.slogdet(value).logabsdet
            - trace / 2
        )

    def entropy(self):
        nu, p = self.df, self._event_shape[-1]
        return (
            (p + 1) * (p * math.log(2) / 2 + _log_det_of_factor(self._unbroadcasted_scale_tril))
            + rustorch.mvlgamma(nu / 2, p=p)
            - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p=p)
            + nu * p / 2
        )

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        p = self._event_shape[-1]
        n = y + (p + 1) / 2
        return n * (math.log(2) * p - rustorch.linalg.slogdet(-2 * x).logabsdet) + rustorch.mvlgamma(n, p=p)
