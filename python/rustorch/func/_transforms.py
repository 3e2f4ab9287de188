"""`grad`, `vjp`, `jvp` and `linearize`: derivatives of functions, as functions."""

import functools

from rustorch import Tensor
from rustorch.autograd.forward_ad import _check_size
from rustorch.func._graphs import Inputs, Pullback, Pushforward, without_graph
from rustorch.func._trees import flatten, tree_map, unflatten


def pick(args, argnums):
    """The positional arguments that `argnums` names: one, or a tuple."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    if isinstance(argnums, int):
        return args[_place(argnums, len(args))]
    places = [_place(n, len(args)) for n in argnums]
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return tuple(args[n] for n in places)


def _place(argnum, count):
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def replace(args, argnums, values):
    """The arguments with others in the places that `argnums` names."""
    args = list(args)
    pairs = [(argnums, values)] if isinstance(argnums, int) else zip(argnums, values, strict=True)
    for n, value in pairs:
        args[n] = value
    return tuple(args)


def _split_aux(result, has_aux, call):
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{call}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def _outputs(result, call):
    leaves, spec = flatten(result)
    if not leaves:
        raise RuntimeError(f"{call}: Expected f to be a function that has non-empty output (got output = {leaves})")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(
                f"{call}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}"
            )
    return leaves, spec


def _finished(inputs, further, tree):
    """Results of the function as the caller may see them: without a graph, unless it leads beyond this transform."""
    if further:
        return tree

    def cut(x):
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        return inputs.logical(without_graph(inputs.physical(x)))

    return tree_map(cut, tree)


def grad(func, argnums=0, has_aux=False):
    """The function that computes the gradient of `func`, whose result is one number.

    Args:
        func (callable): returns a tensor of no dims, or with `has_aux` such a tensor and anything else.
        argnums (int or tuple of int, 0): the positional arguments to differentiate by; each a tensor or a tree of
            tensors.
        has_aux (bool, False): let the gradient come with the second result: (gradient, aux).
    Shape:  the gradient as the argument.
    Raises:  RuntimeError: if the result is not a tensor of no dims, or the argument is not of a floating point dtype.
    Example:
        >>> torch.func.grad(torch.sin)(torch.tensor(0.0))
        tensor(1.)
        >>> def loss(w, x, y):
        ...     return ((x @ w - y) ** 2).mean()
        >>> w, x, y = torch.zeros(3), torch.ones(5, 3), torch.ones(5)
        >>> torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(w, x, y).shape
        torch.Size([5, 3])
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return wrapper


def grad_and_value(func, argnums=0, has_aux=False):
    """The function that computes the gradient of `func` and its value: (gradient, value).

    Args:  as `grad`; with `has_aux` the result is (gradient, (value, aux)).
    Example:
        >>> torch.func.grad_and_value(lambda x: (x * x).sum())(torch.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        leaves, spec = flatten(pick(args, argnums))
        inputs = Inputs(leaves)
        with inputs.running():
            result = func(*replace(args, argnums, unflatten(inputs.tensors, spec)), **kwargs)
        value, aux = _split_aux(result, has_aux, "grad_and_value(f)(*args)")
        if not isinstance(value, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(value)}")
        if value.dim() != 0:
            raise RuntimeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{value.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        if value.requires_grad and not value.is_floating_point():
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {value.dtype}")
        back = Pullback(inputs, [inputs.physical(value)])
        grads = back([without_graph(back.outputs[0]).new_ones(())], retain_graph=False)
        value, aux = _finished(inputs, back.further, (value, aux))
        return unflatten(grads, spec), ((value, aux) if has_aux else value)

    return wrapper


def vjp(func, *primals, has_aux=False):
    """The value of `func` and the function that multiplies a vector with its Jacobian from the left.

    Args:
        func (callable): returns tensors in nested tuples, lists and dicts.
        primals (Tensors): its arguments; all are differentiated by.
        has_aux (bool, False): `func` returns (output, aux), and so does `vjp`: (output, vjp_fn, aux).
    Returns:  (output, vjp_fn); `vjp_fn(cotangents)` gives a tuple with a gradient for each of the primals, for
        cotangents of the structure and shapes of the output. It may be called often, also under `vmap`.
    Raises:  RuntimeError: if an output is not a tensor of a floating point or complex dtype.
    Example:
        >>> value, vjp_fn = torch.func.vjp(torch.sin, torch.zeros(2))
        >>> vjp_fn(torch.tensor([1.0, 2.0]))
        (tensor([1., 2.]),)

    Note:  under a vmap that started after `vjp` returned, `vjp_fn` takes a backward pass for each sample.
    """
    output, back, aux, spec, _, out_spec = pullback(func, primals, None, has_aux)
    vjp_fn = _vjp_fn(back, spec, out_spec)
    return (output, vjp_fn, aux) if has_aux else (output, vjp_fn)


def pullback(func, args, argnums, has_aux):
    """The output, its Pullback by the arguments in `argnums`, aux, their structure, the output's leaves and structure."""
    chosen = args if argnums is None else pick(args, argnums)
    leaves, spec = flatten(chosen)
    inputs = Inputs(leaves)
    with inputs.running():
        given = unflatten(inputs.tensors, spec)
        result = func(*(given if argnums is None else replace(args, argnums, given)))
    result, aux = _split_aux(result, has_aux, "vjp(f, *primals)")
    outputs, out_spec = _outputs(result, "vjp(f, *primals)")
    for out in outputs:
        if not (out.is_floating_point() or out.is_complex()):
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                f"{out.dtype}"
            )
    back = Pullback(inputs, [inputs.physical(out) for out in outputs])
    output, aux = _finished(inputs, back.further, (result, aux))
    return output, back, aux, spec, outputs, out_spec


def _vjp_fn(back, spec, out_spec):
    def vjp_fn(cotangents, retain_graph=True, create_graph=None):
        leaves, given = flatten(cotangents)
        if given != out_spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {given}, primal output: {out_spec}"
            )
        return unflatten(back(leaves, retain_graph=retain_graph, create_graph=create_graph), spec)

    return vjp_fn


_JVP = "jvp(f, primals, tangents)"


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """The value of `func` and the product of its Jacobian with a vector: (output, tangent of the output).

    Args:
        func (callable): returns tensors in nested tuples, lists and dicts.
        primals (tuple): its arguments: tensors or trees of tensors.
        tangents (tuple): the vector, of the structure and shapes of the primals.
        strict (bool, False): an output that does not depend on the primals is an error, not zero.
        has_aux (bool, False): `func` returns (output, aux), and so does `jvp`: (output, tangent, aux).
    Raises:  RuntimeError: if structures or shapes differ.
    Example:
        >>> torch.func.jvp(lambda x: x * x, (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 0.0]),))
        (tensor([1., 4.]), tensor([2., 0.]))

    Source:  two backward passes; see `autograd.forward_ad`.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    return pushforward(func, primals, tangents, None, strict, has_aux)


def _only_tensors(leaves, name):
    if not leaves:
        raise RuntimeError(f"{_JVP}: Expected {name} to contain at least one Tensor.")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{_JVP}: Expected {name} to only contain Tensors, got {type(leaf)}")


def _check_tangents(primals, tangents):
    for primal, tangent in zip(primals, tangents, strict=True):
        if not (primal.is_floating_point() or primal.is_complex()):
            raise ValueError(f"Expected primal to be floating point or complex, but got: {primal.dtype}")
        _check_size(primal, tangent)


def pushforward(func, args, tangents, argnums, strict, has_aux):
    """`jvp` by the arguments in `argnums`."""
    leaves, spec = flatten(args if argnums is None else pick(args, argnums))
    along, given_spec = flatten(tangents)
    if spec != given_spec:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {spec} and tangents with structure "
            f"{given_spec}"
        )
    _only_tensors(leaves, "primals")
    _only_tensors(along, "tangents")
    _check_tangents(leaves, along)
    inputs, forward, result, aux, out_spec = _forward(func, args, argnums, leaves, spec, has_aux)
    if strict and not all(out.requires_grad for out in forward.outputs):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
            "with strict=True."
        )
    tangent = unflatten(forward(along, retain_graph=False), out_spec)
    further = forward.further or inputs.reach_further([inputs.physical(t) for t in along])
    output, aux = _finished(inputs, further, (result, aux))
    return (output, tangent, aux) if has_aux else (output, tangent)


def _forward(func, args, argnums, leaves, spec, has_aux):
    inputs = Inputs(leaves)
    with inputs.running():
        given = unflatten(inputs.tensors, spec)
        result = func(*(given if argnums is None else replace(args, argnums, given)))
        result, aux = _split_aux(result, has_aux, _JVP)
        outputs, out_spec = _outputs(result, _JVP)
    return inputs, Pushforward(inputs, [inputs.physical(out) for out in outputs]), result, aux, out_spec


def linearize(func, *primals):
    """The value of `func` and the function that multiplies its Jacobian at the primals with a vector.

    Args:
        func (callable): returns tensors in nested tuples, lists and dicts.
        primals (Tensors): its arguments.
    Returns:  (output, jvp_fn); `jvp_fn(*tangents)` gives the tangent of the output, without another call of `func`.
    Raises:  RuntimeError: from `jvp_fn`, if a tangent has another structure, shape or dtype than its primal.
    Example:
        >>> value, jvp_fn = torch.func.linearize(torch.sin, torch.zeros(2))
        >>> jvp_fn(torch.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    leaves, spec = flatten(primals)
    inputs, forward, result, _, out_spec = _forward(func, primals, None, leaves, spec, False)

    def jvp_fn(*tangents):
        along, given = flatten(tangents)
        if given != spec:
            raise RuntimeError(f"Expected the tangents {given} to have the same argspec as the primals {spec}")
        for i, (tangent, primal) in enumerate(zip(along, leaves, strict=True)):
            for what in ("shape", "device", "dtype"):
                mine, other = getattr(tangent, what), getattr(primal, what)
                if mine != other:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {mine} in flattened pytree doesn't match the {what} {other} of the "
                        "corresponding primal."
                    )
        return unflatten(forward(along), out_spec)

    return _finished(inputs, forward.further, result), jvp_fn
