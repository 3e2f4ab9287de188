"""`vmap`: a function of one sample, called on all samples of a batch at once."""

import functools

import rustorch
from rustorch import Tensor
from rustorch.func import _levels
from rustorch.func._trees import flatten, spread, unflatten


def _name(func):
    if hasattr(func, "__name__"):
        return func.__name__
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


def _inputs(func, in_dims, args):
    """Leaves of the arguments, their batch dims (counted from the front), their structure, and the size of the batch."""
    call = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
            "over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = flatten(args)
    dims = spread(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    dims = [_in_dim(call, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]
    sizes = [leaf.shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return leaves, dims, spec, sizes[0]


def _in_dim(call, leaf, dim):
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
            "non-Tensor arguments, please use None as the respective in_dim"
        )
    rank = leaf.dim()
    if not -rank <= dim < rank:
        raise ValueError(
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {rank} so expected "
            f"in_dim to satisfy -{rank} <= in_dim < {rank}."
        )
    return dim % rank


def _out_dims(func, out_dims, result, spec):
    dims = spread(out_dims, spec)
    if isinstance(result, Tensor) and isinstance(out_dims, tuple):
        dims = list(out_dims) if len(out_dims) == 1 else None
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {flatten(out_dims)[1]} but outputs has structure {spec}."
        )
    return dims


def _output(func, level, leaf, dim):
    """A leaf of the result as the caller sees it: the batch dim in its place."""
    name = _name(func)
    if dim is None:
        if level.has(leaf):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return leaf
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Did you mean to set out_dims= "
            "to None for output?"
        )
    value = level.full(leaf)
    return value.movedim(0, dim) if dim != 0 else value


def _run(func, leaves, dims, spec, size, randomness, kwargs):
    """The result of one batch, taken apart: its leaves, structure, and itself."""
    with _levels.entered(size, randomness) as level:
        batched = [
            leaf if dim is None else level.wrap(leaf.movedim(dim, 0) if dim else leaf)
            for leaf, dim in zip(leaves, dims, strict=True)
        ]
        result = func(*unflatten(batched, spec), **kwargs)
    return level, result


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """The function that calls `func` on every sample of a batch, all samples at once.

    Inside `func`, a batched argument looks like one sample: its batch dim is hidden, and operations run over the whole
    batch. An operation without a batching rule runs sample by sample, with a warning.

    Args:
        func (callable): takes tensors in nested tuples, lists and dicts, and returns such.
        in_dims (int or nested tuple, 0): the batch dim of each argument, None for one that all samples share. One
            number stands for all that is below it. Keyword arguments are shared.
        out_dims (int or nested tuple, 0): where the batch dim goes in each result; None for one that is not batched.
        randomness (str, 'error'): what random functions do: 'different' draws for each sample, 'same' one draw for
            all.
        chunk_size (int, None): call `func` on so many samples at a time.
    Raises:
        ValueError: if `in_dims` or `out_dims` do not fit, or batch sizes differ.
        RuntimeError: from within `func`, if a result's shape or the path taken would depend on the data.
    Example:
        >>> torch.func.vmap(torch.dot)(torch.ones(4, 3), torch.ones(4, 3))
        tensor([3., 3., 3., 3.])
        >>> x, w = torch.ones(4, 3), torch.ones(3, 2)
        >>> torch.func.vmap(lambda x, w: x @ w, in_dims=(0, None), out_dims=1)(x, w).shape
        torch.Size([2, 4])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        _check_out_dims(func, out_dims)
        leaves, dims, spec, size = _inputs(func, in_dims, args)
        results = []
        for start in range(0, size, chunk_size) if chunk_size else [0]:
            count = min(chunk_size or size, size - start)
            part = leaves
            if chunk_size:
                part = [x if d is None else x.narrow(d, start, count) for x, d in zip(leaves, dims, strict=True)]
            level, result = _run(func, part, dims, spec, count, randomness, kwargs)
            flat, out_spec = flatten(result)
            where = _out_dims(func, out_dims, result, out_spec)
            results.append([_output(func, level, leaf, dim) for leaf, dim in zip(flat, where, strict=True)])
        return unflatten(_joined(results, where), out_spec)

    return wrapper


def _joined(results, dims):
    if len(results) == 1:
        return results[0]
    columns = zip(*results, strict=True)
    return [c[0] if d is None else rustorch.cat(c, d) for c, d in zip(columns, dims, strict=True)]


def _check_out_dims(func, out_dims):
    for dim in flatten(out_dims)[0]:
        if not (dim is None or isinstance(dim, int)):
            raise ValueError(
                f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection "
                "of ints representing where in the outputs the vmapped dimension should appear."
            )
