"""`jacrev`, `jacfwd` and `hessian`."""

import functools

import rustorch
from rustorch import Tensor
from rustorch.func._transforms import pick, pullback, pushforward
from rustorch.func._trees import flatten, tree_map, unflatten
from rustorch.func._vmap import vmap


def _refuse_complex(api, tree, what):
    for i, leaf in enumerate(flatten(tree)[0]):
        if isinstance(leaf, Tensor) and leaf.is_complex():
            raise RuntimeError(
                f"{api}: Expected all {what} to be real but received complex tensor at flattened input idx: {i}"
            )


def _basis(tensors):
    """For each tensor (n, *shape): the unit vectors of all n elements of all tensors."""
    counts = [t.numel() for t in tensors]
    total, start, made = sum(counts), 0, []
    for t, count in zip(tensors, counts, strict=True):
        options = {"dtype": t.dtype, "device": t.device}
        rows = [rustorch.zeros(start, count, **options), rustorch.eye(count, **options)]
        rows.append(rustorch.zeros(total - start - count, count, **options))
        made.append(rustorch.cat(rows).reshape(total, *t.shape))
        start += count
    return made, counts


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """The function that computes the Jacobian of `func` by backward passes, one for each element of its output.

    Args:
        func (callable): returns tensors in nested tuples, lists and dicts.
        argnums (int or tuple of int, 0): the positional arguments to differentiate by.
        has_aux (bool, False): `func` returns (output, aux), and the result is (Jacobian, aux).
        chunk_size (int, None): accepted for torch's sake; passes run one after the other.
    Shape:  for an output (*O) and an argument (*I): (*O, *I). Trees of outputs hold trees of arguments.
    Example:
        >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args):
        _refuse_complex("jacrev", args, "inputs")
        output, back, aux, spec, outputs, out_spec = pullback(func, args, argnums, has_aux)
        _refuse_complex("jacrev", output, "outputs")
        primals = flatten(pick(args, argnums))[0]
        basis, counts = _basis(outputs)
        columns = back.rows(basis, 1)
        # parts[input][output], each (elements of the output, *shape of the input)
        parts = [column.split(counts) for column in columns]
        blocks = [
            unflatten([part[i].reshape([*out.shape, *p.shape]) for part, p in zip(parts, primals, strict=True)], spec)
            for i, out in enumerate(outputs)
        ]
        result = unflatten(blocks, out_spec)
        return (result, aux) if has_aux else result

    return wrapper


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """The function that computes the Jacobian of `func` from products with unit vectors, in one batch.

    Args:
        func (callable): returns tensors in nested tuples, lists and dicts.
        argnums (int or tuple of int, 0): the positional arguments to differentiate by.
        has_aux (bool, False): `func` returns (output, aux), and the result is (Jacobian, aux).
        randomness (str, 'error'): what random functions in `func` do; see `vmap`.
    Shape:  for an output (*O) and an argument (*I): (*O, *I). Trees of outputs hold trees of arguments.
    Example:
        >>> torch.func.jacfwd(lambda x: x[:2] * x[2])(torch.tensor([1.0, 2.0, 3.0]))
        tensor([[3., 0., 1.],
                [0., 3., 2.]])
    """

    @functools.wraps(func)
    def wrapper(*args):
        _refuse_complex("jacfwd", args, "inputs")
        chosen = args if argnums is None else pick(args, argnums)
        primals, spec = flatten(chosen)
        basis, counts = _basis(primals)

        def along(*vectors):
            result = pushforward(func, args, unflatten(vectors, spec), argnums, False, has_aux)
            _refuse_complex("jacfwd", result[0], "outputs")
            return result[1:] if has_aux else result[1]

        result = vmap(along, randomness=randomness)(*basis)
        columns, aux = result if has_aux else (result, None)

        def blocks(column):
            # (elements of the inputs, *O) -> (*O, *I) for each input
            parts = column.movedim(0, -1).split(counts, -1)
            shaped = [part.reshape([*part.shape[:-1], *p.shape]) for part, p in zip(parts, primals, strict=True)]
            return unflatten(shaped, spec)

        result = tree_map(blocks, columns)
        return (result, tree_map(lambda x: x[0], aux)) if has_aux else result

    return wrapper


def hessian(func, argnums=0):
    """The function that computes the second derivatives of `func`: `jacfwd(jacrev(func))`.

    Args:
        func (callable): returns tensors, mostly one number.
        argnums (int or tuple of int, 0): the positional arguments to differentiate by.
    Shape:  for an output (*O) and an argument (*I): (*O, *I, *I).
    Example:
        >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
