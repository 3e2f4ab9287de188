"""The multivariate normal distribution with a covariance of low rank plus a diagonal."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._location import AtLoc
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.multivariate_normal import _batch_mahalanobis, _batch_mv, _log_det_of_factor
from rustorch.distributions.utils import _NO_DIMS, _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _identity_plus(matrix):
    return matrix + rustorch.eye(matrix.size(-1), dtype=matrix.dtype, device=matrix.device)


def _batch_capacitance_tril(W, D):
    """The Cholesky factor of the capacitance `I + W^T D^-1 W`, m x m."""
    return rustorch.linalg.cholesky(_identity_plus((W.mT / D.unsqueeze(-2)) @ W))


def _batch_lowrank_logdet(W, D, capacitance_tril):
    """`log det(W W^T + D)` by the matrix determinant lemma."""
    return 2 * _log_det_of_factor(capacitance_tril) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W, D, x, capacitance_tril):
    """`x^T (W W^T + D)^-1 x` by the Woodbury identity."""
    inner = _batch_mv(W.mT / D.unsqueeze(-2), x)  # (*, m)
    return (x.pow(2) / D).sum(-1) - _batch_mahalanobis(capacitance_tril, inner)


class LowRankMultivariateNormal(AtLoc, Distribution):
    """Normal vectors with the covariance `cov_factor cov_factor^T + diag(cov_diag)`, inverted at the cost of its rank.

    Args:
        loc (Tensor): the mean.
        cov_factor (Tensor): the factor W.
        cov_diag (Tensor): the diagonal D, positive.
        validate_args (bool, None): see `Distribution`.
    Shape:  loc and cov_diag `(*batch, n)`, cov_factor `(*batch, n, m)`, events `(n,)`.
    Raises:  ValueError: if the shapes do not fit.
    Example:
        >>> d = torch.distributions.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2))
        >>> d.covariance_matrix
        tensor([[2., 1.],
                [1., 2.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _batched = ("loc", "cov_factor", "cov_diag")
    _kept = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        given = (
            f"  LowRankMultivariateNormal: expected (*, n), (*, n, m) and (*, n), but got {tuple(loc.shape)}, "
            f"{tuple(cov_factor.shape)} and {tuple(cov_diag.shape)}. Reshape them."
        )
        if loc.dim() < 1:
            raise ValueError(f"loc must be at least one-dimensional.\n{given}")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions\n" + given
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m\n{given}")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}\n{given}")
        try:
            batch_shape = rustorch.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}\n{given}"
            ) from error
        self.loc = loc.expand(batch_shape + event_shape)
        self.cov_factor = cov_factor.expand(batch_shape + cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(batch_shape + event_shape)
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    @property
    def _covariance(self):
        """W, D and the factor of the capacitance: what all formulas start from."""
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag, self._capacitance_tril

    def _spread(self, tensor, *event):
        return tensor.expand(self._batch_shape + rustorch.Size(event))

    @lazy_property
    def variance(self):
        W, D, _ = self._covariance
        return self._spread(W.pow(2).sum(-1) + D, *self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        W, D, _ = self._covariance
        root = D.sqrt().unsqueeze(-1)
        scaled = W / root
        n = self._event_shape[0]
        return self._spread(root * rustorch.linalg.cholesky(_identity_plus(scaled @ scaled.mT)), n, n)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        W, D, _ = self._covariance
        n = self._event_shape[0]
        return self._spread(W @ W.mT + rustorch.diag_embed(D), n, n)

    def _whitened_factor(self):
        """A with `A^T A = D^-1 W C^-1 W^T D^-1`, C the capacitance: what the inverse lacks to `D^-1`."""
        W, D, tril = self._covariance
        return rustorch.linalg.solve_triangular(tril, W.mT / D.unsqueeze(-2), upper=False)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        whitened = self._whitened_factor()
        n = self._event_shape[0]
        inverse = rustorch.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - whitened.mT @ whitened
        return self._spread(inverse, n, n)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        options = {"dtype": self.loc.dtype, "device": self.loc.device}
        along_factor = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], **options)
        along_diag = _standard_normal(shape, **options)
        W, D, _ = self._covariance
        return self.loc + _batch_mv(W, along_factor) + D.sqrt() * along_diag

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        W, D, tril = self._covariance
        squares = _batch_lowrank_mahalanobis(W, D, value - self.loc, tril)
        log_det = _batch_lowrank_logdet(W, D, tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + log_det + squares)

    def entropy(self):
        log_det = _batch_lowrank_logdet(*self._covariance)
        return self._spread(0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det))
