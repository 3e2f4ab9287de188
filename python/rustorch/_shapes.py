"""Functions of several tensors' shapes: broadcasting, grids, products, combinations."""

import itertools
import operator
import warnings

import rustorch
from rustorch import _C
from rustorch.overrides import handle_torch_function, has_torch_function

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "combinations",
    "meshgrid",
    "unravel_index",
]


def _listed(tensors):
    """A lone list stands for its entries."""
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        return tuple(tensors[0])
    return tensors


def broadcast_tensors(*tensors):
    """All tensors as views of their common shape.

    Example:
        >>> import rustorch as torch
        >>> a, b = torch.broadcast_tensors(torch.zeros(3), torch.ones(2, 1))
        >>> a.shape, b.shape
        (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    tensors = _listed(tensors)
    if has_torch_function(tensors):
        return handle_torch_function(broadcast_tensors, tensors, *tensors)
    return _C._private.broadcast_tensors(tensors)


def broadcast_shapes(*shapes):
    """The shape that shapes (tuples or ints) broadcast to.

    Example:
        >>> import rustorch as torch
        >>> torch.broadcast_shapes((2,), (3, 1))
        torch.Size([3, 2])
    """
    shapes = [(s,) if isinstance(s, int) else tuple(operator.index(n) for n in s) for s in shapes]
    result = [1] * max(map(len, shapes), default=0)
    for i, shape in enumerate(shapes):
        for back, n in enumerate(reversed(shape), 1):
            if n < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if n in (1, result[-back]):
                continue
            if result[-back] != 1:
                lead = next((k for k, r in enumerate(result) if r != 1), 0)
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {-back}! Mismatching argument at index {i} "
                    f"had {shape}; but expected shape should be broadcastable to {result[lead:]}"
                )
            result[-back] = n
    return rustorch.Size(result)


def _each(function, tensors, change):
    tensors = _listed(tensors)
    if has_torch_function(tensors):
        return handle_torch_function(function, tensors, *tensors)
    if len(tensors) == 1:
        return change(tensors[0])
    return tuple(change(t) for t in tensors)


def atleast_1d(*tensors):
    """Each tensor as a view with at least one dim."""
    alone = len(tensors) == 1 and isinstance(tensors[0], list | tuple)
    result = _each(atleast_1d, tensors, lambda t: t.reshape(1) if t.dim() == 0 else t)
    return (result,) if alone and isinstance(result, rustorch.Tensor) else result


def _two(t):
    if t.dim() == 0:
        return t.reshape(1, 1)
    return t.unsqueeze(0) if t.dim() == 1 else t


def atleast_2d(*tensors):
    """Each tensor as a view with at least two dims; vectors become rows."""
    alone = len(tensors) == 1 and isinstance(tensors[0], list | tuple)
    result = _each(atleast_2d, tensors, _two)
    return (result,) if alone and isinstance(result, rustorch.Tensor) else result


def _three(t):
    if t.dim() == 0:
        return t.reshape(1, 1, 1)
    if t.dim() == 1:
        return t.unsqueeze(0).unsqueeze(-1)
    return t.unsqueeze(-1) if t.dim() == 2 else t


def atleast_3d(*tensors):
    """Each tensor as a view with at least three dims; vectors lie along the middle one."""
    alone = len(tensors) == 1 and isinstance(tensors[0], list | tuple)
    result = _each(atleast_3d, tensors, _three)
    return (result,) if alone and isinstance(result, rustorch.Tensor) else result


def block_diag(*tensors):
    """A matrix with the tensors as blocks along its diagonal and zeros elsewhere.

    Shape: matrices (m_i, n_i), vectors as rows, numbers as 1 x 1; the result is (sum of m_i, sum of n_i).
    """
    if has_torch_function(tensors):
        return handle_torch_function(block_diag, tensors, *tensors)
    return _C._private.block_diag(tensors)


def meshgrid(*tensors, indexing=None):
    """Coordinate grids of vectors: the i-th result varies along dim i as the i-th vector does.

    Args:
        indexing (str, 'ij'): 'xy' swaps the first two dims of the results.

    Example:
        >>> import rustorch as torch
        >>> x, y = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
        >>> y
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    tensors = _listed(tensors)
    if has_torch_function(tensors):
        return handle_torch_function(meshgrid, tensors, *tensors, indexing=indexing)
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", stacklevel=2
        )
        indexing = "ij"
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for t in tensors:
        if t.dim() > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
        if t.dtype != tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
        if t.device != tensors[0].device:
            raise RuntimeError("meshgrid expects all tensors to have the same device")
    swap = indexing == "xy" and len(tensors) >= 2
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    shape = [t.numel() for t in tensors]
    grids = [t.reshape([-1 if d == i else 1 for d in range(len(shape))]).expand(shape) for i, t in enumerate(tensors)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors):
    """All tuples of one element from each vector, one per row."""
    if has_torch_function(tensors):
        return handle_torch_function(cartesian_prod, tensors, *tensors)
    for t in tensors:
        if t.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return rustorch.stack([g.flatten() for g in meshgrid(*tensors, indexing="ij")], dim=1)


def combinations(input, r=2, with_replacement=False):
    """All choices of `r` elements of a vector, one per row, in the order of itertools.

    Args:
        r (int, 2): elements in a choice.
        with_replacement (bool, False): may an element be chosen more than once?
    """
    if has_torch_function((input,)):
        return handle_torch_function(combinations, (input,), input, r=r, with_replacement=with_replacement)
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    grids = meshgrid(*[rustorch.arange(input.numel(), device=input.device)] * r, indexing="ij")
    keep = rustorch.ones_like(grids[0], dtype=rustorch.bool)
    for a, b in itertools.pairwise(grids):
        keep &= a <= b if with_replacement else a < b
    return rustorch.stack([input[g[keep]] for g in grids], dim=1)


def unravel_index(indices, shape):
    """The coordinates in an array of `shape` of flat indices, one tensor per dim."""
    if has_torch_function((indices,)):
        return handle_torch_function(unravel_index, (indices,), indices, shape=shape)
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == rustorch.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, int | tuple | list | rustorch.Size):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(not isinstance(n, int) for n in shape):
        raise TypeError(f"expected 'shape' sequence to only contain ints, but got {[type(n) for n in shape]}")
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    coordinates = []
    step = 1
    for n in reversed(shape):
        coordinates.insert(0, indices.div(step, rounding_mode="floor") % n)
        step *= n
    return tuple(coordinates)
