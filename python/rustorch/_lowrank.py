"""Singular vectors of large matrices by random projections.

Source: Halko, Martinsson & Tropp 2011, "Finding structure with randomness", arXiv:0909.4061, algorithms 4.4 and 5.1.
"""

import rustorch
from rustorch.overrides import handle_torch_function, has_torch_function

__all__ = ["pca_lowrank", "svd_lowrank"]


def _basis(a, q, niter, mean):
    """Orthonormal columns, q of them, that span nearly what `a - mean` maps to; (*, m, q)."""

    def times(x, right):
        return x @ right if mean is None else x @ right - (mean if x is a else mean.mH) @ right

    q_now = rustorch.linalg.qr(times(a, rustorch.randn(a.shape[-1], q, dtype=a.dtype, device=a.device))).Q
    for _ in range(niter):
        q_now = rustorch.linalg.qr(times(a.mH, q_now)).Q
        q_now = rustorch.linalg.qr(times(a, q_now)).Q
    return q_now


def svd_lowrank(A, q=6, niter=2, M=None):
    """The first q singular vectors and values of `A - M`, nearly.

    Args:
        A (Tensor): (*, m, n).
        q (int, 6): how many; a few more than are wanted.
        niter (int, 2): how often the random subspace is improved.
        M (Tensor, None): taken off from A; broadcasts to its shape.
    Returns: U (*, m, q), S (*, q) in descending order, and V (*, n, q).
    """
    if has_torch_function((A, M)):
        return handle_torch_function(svd_lowrank, (A, M), A, q=q, niter=niter, M=M)
    q = 6 if q is None else q
    wide = A.shape[-2] < A.shape[-1]
    if M is not None:
        M = M.expand(A.size())
    if wide:
        A, M = A.mH, None if M is None else M.mH
    basis = _basis(A, q, 2 if niter is None else niter, M)
    small = basis.mH @ A  # (*, q, n)
    if M is not None:
        small = small - basis.mH @ M
    u, s, vh = rustorch.linalg.svd(small, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A, q=None, center=True, niter=2):
    """The first q principal components of the rows of A, nearly.

    Args:
        A (Tensor): (*, m, n), m observations of n quantities.
        q (int, None): how many; None stands for min(6, m, n).
        center (bool, True): take off each quantity's mean first.
        niter (int, 2): how often the random subspace is improved.
    Returns: U (*, m, q), S (*, q) in descending order, and the directions V (*, n, q).
    Raises: ValueError: if q or niter is out of range.
    """
    if has_torch_function((A,)):
        return handle_torch_function(pca_lowrank, (A,), A, q=q, center=center, niter=niter)
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter=niter)
