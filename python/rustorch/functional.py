"""Composites that stay in Python."""

import rustorch

__all__ = ["is_tensor", "is_floating_point", "is_complex", "norm", "numel"]


def is_tensor(obj):
    """Is `obj` a tensor?"""
    return isinstance(obj, rustorch.Tensor)


def is_floating_point(input):
    """Is the dtype a floating one?"""
    return input.is_floating_point()


def is_complex(input):
    """Is the dtype complex?"""
    return input.is_complex()


def numel(input):
    """Number of elements."""
    return input.numel()


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """Norm of a tensor's elements, as one vector or along dims.

    Args:
        p (number or str, 'fro'): order of the vector norm; 'fro' is 2, 'nuc' the nuclear norm of matrices.
        dim (int or tuple of int, None): dims to reduce; None stands for all.
        keepdim (bool, False): keep reduced dims with size 1.
    """
    if isinstance(dim, int):
        dim = [dim]
    if isinstance(p, str):
        if p != "fro" or (dim is not None and len(dim) > 2):
            dim = list(range(input.dim())) if dim is None else dim
            return rustorch.linalg.matrix_norm(input, p, dim, keepdim, dtype=dtype, out=out)
        p = 2
    return rustorch.linalg.vector_norm(input, 2 if p is None else p, dim, keepdim, dtype=dtype, out=out)
