"""Vectors and matrices onto the simplex, Cholesky factors and positive definite matrices."""

import math

import rustorch
from rustorch.distributions import constraints
from rustorch.distributions.transforms._base import Transform, _at_least, _Plain
from rustorch.distributions.transforms._pointwise import _clipped
from rustorch.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix
from rustorch.nn import functional as F


class CorrCholeskyTransform(Transform):
    """Vectors to Cholesky factors of correlation matrices: row i is a point of a half sphere by i signed sticks.

    Shape:  `(*, d * (d - 1) / 2)` to `(*, d, d)`.
    Raises:  ValueError: for the length of no triangle.
    Example:
        >>> torch.distributions.CorrCholeskyTransform()(torch.zeros(3))
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 1.]])

    Source: Stan Reference Manual, Cholesky factors of correlation matrices.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x):
        x = rustorch.tanh(x)
        eps = rustorch.finfo(x.dtype).eps
        sticks = vec_to_tril_matrix(x.clamp(min=-1 + eps, max=1 - eps), diag=-1)  # (*, d, d)
        # What the sticks to the left leave of a row's length.
        left = (1 - sticks**2).sqrt().cumprod(-1)
        sticks = sticks + rustorch.eye(sticks.shape[-1], dtype=sticks.dtype, device=sticks.device)
        return sticks * F.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y):
        left = F.pad(1 - (y * y).cumsum(-1)[..., :-1], [1, 0], value=1)
        sticks = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (sticks.log1p() - sticks.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        # Each row's lengths left, without its last stick (the diagonal follows from it).
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        tanh = -2 * (x + F.softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * left.log().sum(-1) + tanh

    def forward_shape(self, shape):
        _at_least(shape, 1)
        n = shape[-1]
        d = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if d * (d - 1) // 2 != n:
            raise ValueError(
                "Input is not a flattened lower-diagonal number\n"
                f"  CorrCholeskyTransform: expected d * (d - 1) / 2 numbers, but got {n}. Pass as many as a triangle has."
            )
        return shape[:-1] + (d, d)

    def inverse_shape(self, shape):
        _at_least(shape, 2)
        d = shape[-1]
        if shape[-2] != d:
            raise ValueError(
                "Input is not square\n"
                f"  CorrCholeskyTransform: expected square matrices, but got {shape[-2]}x{d}. Pass Cholesky factors."
            )
        return shape[:-2] + (d * (d - 1) // 2,)


class SoftmaxTransform(_Plain):
    """Vectors to the simplex by `exp(x)`, normalised: not bijective, and the same for all entries.

    Example:
        >>> torch.distributions.SoftmaxTransform()(torch.zeros(2))
        tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x):
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        _at_least(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Plain):
    """Vectors to the simplex of one more entry: entry by entry, a sigmoid says how much of the rest is broken off.

    Shape:  `(*, n)` to `(*, n + 1)`; zeros become equal parts.
    Example:
        >>> torch.distributions.StickBreakingTransform()(torch.zeros(3))
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offset(x):
        """The logarithms of how many parts are to come: n, n - 1, ... 1."""
        return (x.shape[-1] + 1 - x.new_ones(x.shape[-1]).cumsum(-1)).log()

    def _call(self, x):
        share = _clipped(rustorch.sigmoid(x - self._offset(x)))
        rest = (1 - share).cumprod(-1)
        return F.pad(share, [0, 1], value=1) * F.pad(rest, [1, 0], value=1)

    def _inverse(self, y):
        parts = y[..., :-1]
        # Rounding may leave nothing, or less, where the last part is about 0.
        rest = (1 - parts.cumsum(-1)).clamp(min=rustorch.finfo(y.dtype).tiny)
        return parts.log() - rest.log() + self._offset(parts)

    def log_abs_det_jacobian(self, x, y):
        x = x - self._offset(x)
        # 1 - sigmoid(x) = exp(-x) sigmoid(x)
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        _at_least(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape):
        _at_least(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


class LowerCholeskyTransform(_Plain):
    """Matrices to lower triangular ones with a positive diagonal, by `exp` on the diagonal; the rest is cut.

    Example:
        >>> torch.distributions.LowerCholeskyTransform()(torch.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x):
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y):
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """Matrices to positive definite ones: `L L^T` with L of the `LowerCholeskyTransform`.

    Example:
        >>> torch.distributions.PositiveDefiniteTransform()(torch.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x):
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y):
        return LowerCholeskyTransform().inv(rustorch.linalg.cholesky(y))
