"""Under vmap: operations with a derivative of the user's own, and backward passes asked for by `autograd.grad`."""

from collections import namedtuple
from contextlib import nullcontext

import rustorch
from rustorch import Tensor
from rustorch.autograd import Function
from rustorch.func import _levels
from rustorch.func._rules import RULES, one_by_one
from rustorch.func._trees import flatten, spread, tree_map, unflatten

VmapInfo = namedtuple("VmapInfo", ("batch_size", "randomness"))


def apply(cls, args, kwargs):
    """`cls.apply` with batched arguments: by the function's own `vmap`, or on one sample after the other.

    Raises:  RuntimeError: if the function has neither, or both.
    """
    own = cls.vmap is not Function.vmap
    if not cls._has_setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
            "override the setup_context staticmethod. For more details, please see "
            "https://pytorch.org/docs/main/notes/extending.func.html"
        )
    if own and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            "staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            "ambiguity. For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"
        )
    level = _levels.innermost(args, kwargs)
    if own:
        return _by_own_rule(cls, level, args)
    if not cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement "
            "the vmap staticmethod or set generate_vmap_rule=True. For more details, please see "
            "https://pytorch.org/docs/main/notes/extending.func.html"
        )
    # Samples draw their own numbers, each for itself; within the vmap one sample would draw them for all.
    with _levels.outside(level) if level.randomness == "different" else nullcontext():
        return one_by_one(cls.apply, level, cls.__name__, False, args, kwargs, warn=False)


def _by_own_rule(cls, level, args):
    dims = tree_map(lambda x: 0 if level.has(x) else None, tuple(args))
    with _levels.outside(level):
        result, out_dims = cls.vmap(
            VmapInfo(level.size, level.randomness), dims, *[tree_map(level.value, arg) for arg in args]
        )
    leaves, spec = flatten(result)

    def wrapped(x, dim):
        return x if dim is None or not isinstance(x, Tensor) else level.wrap(x.movedim(dim, 0) if dim else x)

    return unflatten([wrapped(*pair) for pair in zip(leaves, spread(out_dims, spec), strict=True)], spec)


def grad(func, level, outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, **options):
    """`autograd.grad` where an output, an input or a gradient is batched."""
    outputs, inputs = list(outputs), list(inputs)
    grads = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs or [None] * len(outputs))
    grads = [rustorch.ones_like(out) if g is None else g for out, g in zip(outputs, grads, strict=True)]
    retain_graph = create_graph if retain_graph is None else retain_graph
    if all(level.has(x) for x in inputs):
        # Samples share nothing: their gradients are those of the sum.
        batch = [x._value for x in inputs]
        full = [level.full(x) for x in outputs], batch, [level.full(g) for g in grads]
        return level.wrap(func(*full, retain_graph, create_graph, **options))
    rows = []
    for i in range(level.size):
        one = [x._value[i] if level.has(x) else x for x in outputs]
        along = [g._value[i] if level.has(g) else g for g in grads]
        found = func(
            one, [level.value(x) for x in inputs], along, retain_graph or i + 1 < level.size, create_graph, **options
        )
        rows.append([g if g is None or not level.has(x) else g[i] for g, x in zip(found, inputs, strict=True)])
    columns = zip(*rows, strict=True)
    return tuple(None if c[0] is None else level.wrap(rustorch.stack(c)) for c in columns)


RULES[rustorch.autograd.grad] = grad
