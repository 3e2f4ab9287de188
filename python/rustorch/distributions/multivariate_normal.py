"""The multivariate normal distribution."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions._location import AtLoc
from rustorch.distributions.distribution import Distribution
from rustorch.distributions.utils import _NO_DIMS, _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]


def _batch_mv(bmat, bvec):
    """Matrices times vectors, of batch shapes that broadcast."""
    return rustorch.matmul(bmat, bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL, bx):
    """`x^T (L L^T)^-1 x`, the squared length of `L^-1 x`; the batch shape of L broadcasts to the last dims of x's."""
    n = bx.size(-1)
    batch = bx.shape[bx.dim() - bL.dim() + 1 : -1]
    # All samples are columns of one right-hand side, so that each L is solved with once.
    columns = bx.reshape((-1,) + batch + (n,)).movedim(0, -1)  # (*batch, n, samples)
    solved = rustorch.linalg.solve_triangular(bL.expand(batch + (n, n)), columns, upper=False)
    return solved.pow(2).sum(-2).movedim(-1, 0).reshape(bx.shape[:-1])


def _log_det_of_factor(tril):
    """Half the log-determinant of `L L^T`."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _precision_to_scale_tril(precision):
    """L with `L L^T = P^-1`, without inverting P: its factor from the other end is the inverse of L."""
    flipped = rustorch.linalg.cholesky(rustorch.flip(precision, (-2, -1)))
    inverse = rustorch.flip(flipped, (-2, -1)).mT
    identity = rustorch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return rustorch.linalg.solve_triangular(inverse, identity, upper=False)


class _Covariance:
    """A covariance given in one of three forms; events of shape `_matrix_shape()` after the batch."""

    @staticmethod
    def _given(**forms):
        """The name and the matrix of the one form that is there; None for the name if it is not one."""
        there = {name: matrix for name, matrix in forms.items() if matrix is not None}
        return next(iter(there.items())) if len(there) == 1 else (None, None)

    def _hold(self, name, matrix, batch_shape):
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))

    @staticmethod
    def _factor(name, matrix):
        if name == "scale_tril":
            return matrix
        return rustorch.linalg.cholesky(matrix) if name == "covariance_matrix" else _precision_to_scale_tril(matrix)

    def _spread(self, matrix):
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @lazy_property
    def scale_tril(self):
        """The lower Cholesky factor of the covariance."""
        return self._spread(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        """The covariance."""
        return self._spread(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self):
        """The inverse of the covariance."""
        return self._spread(rustorch.cholesky_inverse(self._unbroadcasted_scale_tril))


class MultivariateNormal(AtLoc, _Covariance, Distribution):
    """Normal vectors with a mean and a covariance, which is given in one of three forms.

    Args:
        loc (Tensor): the mean.
        covariance_matrix (Tensor, None): positive definite.
        precision_matrix (Tensor, None): its inverse.
        scale_tril (Tensor, None): its lower Cholesky factor, of positive diagonal: the form that all is computed with.
        validate_args (bool, None): see `Distribution`.
    Shape:  loc `(*batch, n)`, matrices `(*batch, n, n)`, events `(n,)`.
    Raises:  ValueError: unless one form is given; for a number as loc, or a vector as matrix.
    Example:
        >>> d = torch.distributions.MultivariateNormal(torch.zeros(2), torch.tensor([[2.0, 1.0], [1.0, 2.0]]))
        >>> d.log_prob(torch.zeros(2)), d.scale_tril
        (tensor(-2.3872), tensor([[1.4142, 0.0000],
                [0.7071, 1.2247]]))
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _batched = ("loc", "covariance_matrix", "precision_matrix", "scale_tril")
    _kept = ("_unbroadcasted_scale_tril",)

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError(
                "loc must be at least one-dimensional.\n"
                "  MultivariateNormal: expected a vector or a batch of vectors, but got a number. "
                "Take Normal, or loc.unsqueeze(-1)."
            )
        name, matrix = self._given(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        if name is None:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.\n"
                "  MultivariateNormal: expected one of them, but got none or several. Pass one."
            )
        if matrix.dim() < 2:
            shown = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{shown} must be at least two-dimensional, with optional leading batch dimensions\n"
                f"  MultivariateNormal: expected matrices, but got the shape {tuple(matrix.shape)}. "
                "Make a diagonal matrix of it by torch.diag_embed."
            )
        batch_shape = rustorch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self._hold(name, matrix, batch_shape)
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = self._factor(name, matrix)

    @property
    def variance(self):
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=_NO_DIMS):
        shape = self._extended_shape(sample_shape)
        normal = _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, normal)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        squares = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        log_two_pi = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (log_two_pi + squares) - _log_det_of_factor(self._unbroadcasted_scale_tril)

    def entropy(self):
        half_log_det = _log_det_of_factor(self._unbroadcasted_scale_tril)
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det
        return entropy.expand(self._batch_shape)
