"""Divergences of multivariate normal distributions.

All are half of `log det(Q) - log det(P) + trace(Q^-1 P) + (p.loc - q.loc)^T Q^-1 (p.loc - q.loc) - n` for the covariances
P and Q, each in the form that is at hand: a full Cholesky factor, or low rank plus a diagonal.
"""

import rustorch
from rustorch.distributions.kl import register_kl
from rustorch.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
    _batch_lowrank_logdet,
    _batch_lowrank_mahalanobis,
)
from rustorch.distributions.multivariate_normal import MultivariateNormal, _batch_mahalanobis, _log_det_of_factor


def _squares(matrix):
    """`trace(X X^T)`."""
    return matrix.pow(2).sum((-2, -1))


def _log_det(p):
    if isinstance(p, MultivariateNormal):
        return 2 * _log_det_of_factor(p._unbroadcasted_scale_tril)
    return _batch_lowrank_logdet(*p._covariance)


def _mahalanobis(q, x):
    if isinstance(q, MultivariateNormal):
        return _batch_mahalanobis(q._unbroadcasted_scale_tril, x)
    W, D, tril = q._covariance
    return _batch_lowrank_mahalanobis(W, D, x, tril)


def _factors(p):
    """Matrices X with the covariance as the sum of their `X X^T`."""
    if isinstance(p, MultivariateNormal):
        return [p._unbroadcasted_scale_tril]
    W, D, _ = p._covariance
    return [W, rustorch.diag_embed(D.sqrt())]


def _trace(q, factor):
    """`trace(Q^-1 X X^T)`."""
    if isinstance(q, MultivariateNormal):
        tril = q._unbroadcasted_scale_tril
        batch = rustorch.broadcast_shapes(tril.shape[:-2], factor.shape[:-2])
        tril, factor = (x.expand(batch + x.shape[-2:]) for x in (tril, factor))
        return _squares(rustorch.linalg.solve_triangular(tril, factor, upper=False))
    # Q^-1 = D^-1 - A^T A
    D = q._unbroadcasted_cov_diag
    return _squares(factor * D.rsqrt().unsqueeze(-1)) - _squares(q._whitened_factor() @ factor)


def _kl_normals(p, q):
    if p.event_shape != q.event_shape:
        kinds = {type(p), type(q)}
        kind = {MultivariateNormal: "Multivariate", LowRankMultivariateNormal: "Low Rank Multivariate"}
        name = kind.get(kinds.pop(), "Multivariate") if len(kinds) == 1 else "(Low Rank) Multivariate"
        raise ValueError(
            f"KL-divergence between two {name} Normals with different event shapes cannot be computed\n"
            f"  kl_divergence: expected one event shape, but got {tuple(p.event_shape)} and {tuple(q.event_shape)}. "
            "Compare distributions over the same space."
        )
    trace = sum(_trace(q, factor) for factor in _factors(p))
    return 0.5 * (_log_det(q) - _log_det(p) + trace + _mahalanobis(q, q.loc - p.loc) - p.event_shape[0])


for _p in (MultivariateNormal, LowRankMultivariateNormal):
    for _q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_p, _q)(_kl_normals)
