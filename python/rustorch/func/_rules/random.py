"""Random numbers: one draw for all samples or one for each, as the vmap was told."""

import rustorch
from rustorch import _C, Tensor
from rustorch.func import _levels
from rustorch.func._rules import RULES, body, composite, name_of, positional
from rustorch.overrides import TorchFunctionMode

# Rules of random operations, which are asked about tensors that all samples share, too.
RANDOM = {}

_ERROR = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
    "randomness flags on vmap or perform the randomness operation out of vmap"
)
_SHARED = (
    "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness.\n"
    "  vmap: expected a tensor of the batch, but got one that all samples share. Make it with new_empty of a batched "
    "tensor."
)


class RandomCalls(TorchFunctionMode):
    """Sees the calls inside a vmap, and answers the random ones among them."""

    def __init__(self, level):
        self.level = level

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if composite(func):
            # So that the calls in its body are seen as well.
            with self:
                return body(func)(*args, **kwargs)
        name, in_place = name_of(func)
        found = RANDOM.get(name + "_" * in_place) or RANDOM.get(name)
        # Outside of the level, where a function's own rule runs, a call draws what it says.
        if found is not None and self.level in _levels.levels():
            args, kwargs = positional(name, args, kwargs)
            return found(func, self.level, *args, **kwargs)
        # Some do not look for overrides inside tuples and lists; and a call that no other mode is to see goes on directly.
        if name in _CLOSED or not _C._len_torch_function_stack():
            level = _levels.innermost(args, kwargs)
            if level is not None:
                return _levels.answer(func, level, args, kwargs)
        return func(*args, **kwargs)


_CLOSED = ("tensor", "as_tensor", "asarray", "new_tensor", "__getitem__", "__setitem__")


def random(names):
    """Register a function as the rule of random operations."""

    def register(function):
        def checked(func, level, *args, **kwargs):
            if level.randomness == "error":
                raise RuntimeError(_ERROR)
            return function(func, level, *args, **kwargs)

        table = dict.fromkeys(names.split(), checked)
        RANDOM.update(table)
        RULES.update(table)
        return checked

    return register


def _sizes(args):
    if len(args) == 1 and isinstance(args[0], tuple | list):
        return list(args[0])
    return list(args)


@random("rand randn")
def sized(func, level, *args, size=None, **kwargs):
    sizes = _sizes(args) if size is None else list(size)
    if level.randomness == "same":
        return func(sizes, **kwargs)
    return level.wrap(func([level.size, *sizes], **kwargs))


@random("randint")
def randint(func, level, *args, **kwargs):
    if level.randomness == "same":
        return func(*args, **kwargs)
    if "size" in kwargs:
        return level.wrap(func(*args, **{**kwargs, "size": [level.size, *kwargs["size"]]}))
    *bounds, sizes = args
    return level.wrap(func(*bounds, [level.size, *sizes], **kwargs))


@random("randperm")
def randperm(func, level, n, **kwargs):
    if level.randomness == "same":
        return func(n, **kwargs)
    return level.wrap(rustorch.stack([func(n, **kwargs) for _ in range(level.size)]))


def _sample(level, x):
    """A tensor of one sample's shape and dtype."""
    return rustorch.empty(x.shape, dtype=x.dtype, device=x.device)


@random("rand_like randn_like randint_like")
def like(func, level, x, *args, **kwargs):
    kwargs.pop("memory_format", None)
    if level.randomness == "same":
        return func(_sample(level, x) if level.has(x) else x, *args, **kwargs)
    return level.wrap(func(level.full(x), *args, **kwargs))


@random("uniform_ normal_ random_ exponential_ cauchy_ geometric_ log_normal_ bernoulli_")
def in_place(func, level, x, *args, **kwargs):
    if level.randomness == "same":
        if not level.has(x):
            return func(x, *args, **kwargs)
        x.copy_(func(_sample(level, x), *args, **kwargs))
        return x
    if not level.has(x):
        raise RuntimeError(_SHARED)
    rank = x.dim()
    args = [level.aligned(arg, rank) if isinstance(arg, Tensor) else arg for arg in args]
    kwargs = {key: level.aligned(value, rank) if isinstance(value, Tensor) else value for key, value in kwargs.items()}
    func(x._value, *args, **kwargs)
    return x


@random("normal")
def normal(func, level, mean=0.0, std=1.0, size=None, **kwargs):
    if size is not None:
        noise = sized(rustorch.randn, level, size, **kwargs)
    else:
        shape = rustorch.broadcast_shapes(*[t.shape for t in (mean, std) if isinstance(t, Tensor)])
        noise = sized(rustorch.randn, level, shape, **kwargs)
    return noise * std + mean


@random("bernoulli")
def bernoulli(func, level, x, *args, **kwargs):
    if level.randomness == "different":
        return level.wrap(func(level.full(x), *args, **kwargs))
    if not level.has(x):
        return func(x, *args, **kwargs)
    return (rustorch.rand(x.shape, dtype=x.dtype, device=x.device) < (args[0] if args else x)).to(x.dtype)


@random("multinomial")
def multinomial(func, level, x, num_samples, replacement=False, **kwargs):
    if level.randomness == "same":
        if level.has(x):
            raise RuntimeError(
                "vmap: multinomial with randomness 'same' needs weights that all samples share, but got a batch of "
                "them. Use randomness='different'."
            )
        return func(x, num_samples, replacement, **kwargs)
    rows = level.full(x)
    made = func(rows.reshape(-1, x.shape[-1]), num_samples, replacement, **kwargs)
    return level.wrap(made.reshape(level.size, *x.shape[:-1], num_samples))


@random("poisson binomial _standard_gamma _sample_dirichlet")
def by_parameters(func, level, *args, **kwargs):
    tensors = list(_levels.tensors_in(args))
    if level.randomness == "same":
        if any(level.has(t) for t in tensors):
            raise RuntimeError(
                f"vmap: {name_of(func)[0]} with randomness 'same' needs parameters that all samples share, but got a "
                "batch of them. Use randomness='different'."
            )
        return func(*args, **kwargs)
    return level.wrap(func(*[level.full(a) if isinstance(a, Tensor) else a for a in args], **kwargs))


def _optional(names, place):
    """Register operations that are random only if the argument at `place` says that they train."""

    def register(function):
        def checked(func, level, x, *args, **kwargs):
            training = kwargs.get("train", kwargs.get("training", args[place] if len(args) > place else True))
            chance = kwargs.get("p", args[0] if args else None)
            if not training or (place == 1 and chance == 0):
                result = func(level.value(x), *args, **kwargs)
                return level.wrap(result) if level.has(x) else result
            if level.randomness == "error":
                raise RuntimeError(_ERROR)
            return function(func, level, x, *args, **kwargs)

        table = dict.fromkeys(names.split(), checked)
        RANDOM.update(table)
        RULES.update(table)
        return checked

    return register


@_optional("dropout alpha_dropout native_dropout", 1)
def dropout(func, level, x, *args, **kwargs):
    if level.randomness == "different":
        return level.wrap(func(level.full(x), *args, **kwargs))
    if not level.has(x):
        return func(x, *args, **kwargs)
    if name_of(func)[0] != "dropout":
        raise RuntimeError(f"vmap: {name_of(func)[0]} of a batch has no randomness 'same'. Use randomness='different'.")
    return x * func(rustorch.ones(x.shape, dtype=x.dtype, device=x.device), *args, **kwargs)


@_optional("feature_dropout feature_alpha_dropout", 1)
def feature_dropout(func, level, x, *args, **kwargs):
    if level.randomness == "same":
        if not level.has(x):
            return func(x, *args, **kwargs)
        return x * func(rustorch.ones(x.shape, dtype=x.dtype, device=x.device), *args, **kwargs)
    # (n, c, *): images of all samples have features of their own.
    made = func(level.full(x).flatten(0, 1), *args, **kwargs)
    return level.wrap(made.unflatten(0, (level.size, x.shape[0])))


@_optional("dropout_ alpha_dropout_ feature_dropout_ feature_alpha_dropout_", 1)
def dropout_(func, level, x, *args, **kwargs):
    name = name_of(func)[0].removesuffix("_")
    x.copy_(RULES[name](getattr(rustorch, name), level, x, *args, **kwargs))
    return x


@_optional("rrelu", 2)
def rrelu(func, level, x, *args, **kwargs):
    if level.randomness == "same" and level.has(x):
        raise RuntimeError("vmap: rrelu of a batch has no randomness 'same'. Use randomness='different'.")
    return level.wrap(func(level.full(x), *args, **kwargs)) if level.randomness == "different" else func(x, *args)
