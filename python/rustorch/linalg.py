"""Linear algebra."""

from rustorch import _C

__all__ = ["vector_norm"]


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """Norm of vectors.

    Args:
        x (Tensor): floating or complex.
        ord (number, 2): order; inf and -inf give the largest and smallest magnitude, 0 counts what is not 0.
        dim (int or tuple of int, None): dims to reduce; None stands for all.
        keepdim (bool, False): keep reduced dims with size 1.
        dtype (dtype, None): the dtype to compute and return.
    Shape: that of `x` without the reduced dims.
    Example:
        >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return _C._linalg.linalg_vector_norm(x, ord, dim, keepdim, dtype=dtype, out=out)
