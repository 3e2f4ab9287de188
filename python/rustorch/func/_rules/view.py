"""Shapes: views, copies in other shapes, and what puts tensors together."""

import math

import rustorch
from rustorch import Tensor
from rustorch._shapes import _three
from rustorch.func._levels import rule_dim
from rustorch.func._rules import RULES, name_of, one_by_one, rule
from rustorch.func._rules.reduce import finish, shifted, with_dims


def numbers(args):
    """Sizes or dims, given one by one or as one sequence."""
    return list(args[0] if len(args) == 1 and isinstance(args[0], tuple | list) else args)


@rule("permute permute_copy")
def permute(func, level, x, *args):
    dims = numbers(args)
    return level.wrap(func(x._value, [0, *shifted(dims, x.dim())]))


@rule("transpose swapaxes swapdims transpose_copy")
def transpose(func, level, x, dim0, dim1):
    value, added = with_dims(x)
    return finish(level, func(value, shifted(dim0, x.dim()), shifted(dim1, x.dim())), added)


@rule("t t_copy .T .mT .H .mH adjoint")
def transposed(func, level, x):
    name, _ = name_of(func)
    rank = x.dim()
    least = {"t": 0, ".T": 0, ".H": 0}.get(name, 2)
    if rank < least or (name in ("t", ".H") and rank > 2):
        func(rustorch.empty((1,) * rank))
    value = x._value
    if rank >= 2:
        value = value.permute(0, *range(rank, 0, -1)) if name == ".T" else value.transpose(-2, -1)
    return level.wrap(value.conj() if name in (".H", ".mH", "adjoint") and value.is_complex() else value)


def _full_shape(level, x, sizes):
    """Sizes with -1 worked out: the batch dim beside it could make it ambiguous in an empty batch."""
    if -1 in sizes:
        known = math.prod(s for s in sizes if s != -1)
        if known and x.numel() % known == 0:
            sizes = [x.numel() // known if s == -1 else s for s in sizes]
    return [level.size, *sizes]


@rule("view reshape view_copy")
def view(func, level, x, *args):
    if args and isinstance(args[0], rustorch.dtype):
        return level.wrap(func(x._value, *args))
    sizes = numbers(args)
    if math.prod(sizes) != x.numel() and -1 not in sizes:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {x.numel()}")
    return level.wrap(func(x._value, _full_shape(level, x, sizes)))


@rule("view_as reshape_as")
def view_as(func, level, x, other):
    return getattr(x, name_of(func)[0].removesuffix("_as"))(other.shape)


@rule("expand broadcast_to expand_copy")
def expand(func, level, x, *args):
    sizes = numbers(args)
    return level.wrap(level.aligned(x, len(sizes)).expand(-1, *sizes))


@rule("expand_as")
def expand_as(func, level, x, other):
    return x.expand(other.shape)


@rule("flatten")
def flatten(func, level, x, start_dim=0, end_dim=-1):
    if x.dim() == 0:
        return level.wrap(x._value.unsqueeze(1))
    return level.wrap(func(x._value, shifted(start_dim, x.dim()), shifted(end_dim, x.dim())))


@rule("ravel")
def ravel(func, level, x):
    return x.reshape(-1)


@rule("unflatten")
def unflatten(func, level, x, dim, sizes):
    return level.wrap(func(x._value, shifted(dim, x.dim()), sizes))


@rule("unsqueeze unsqueeze_copy")
def unsqueeze(func, level, x, dim):
    return level.wrap(func(x._value, rule_dim(dim, x.dim() + 1) + 1))


@rule("squeeze squeeze_copy")
def squeeze(func, level, x, *args):
    dims = numbers(args)
    if not args:
        dims = [d for d, size in enumerate(x.shape) if size == 1]
    if x.dim() == 0:
        return level.wrap(x._value)
    return level.wrap(func(x._value, shifted(dims, x.dim())))


@rule("movedim moveaxis")
def movedim(func, level, x, source, destination):
    return level.wrap(func(x._value, shifted(source, x.dim()), shifted(destination, x.dim())))


@rule("select select_copy")
def select(func, level, x, dim, index):
    return level.wrap(func(x._value, shifted(dim, x.dim()), index))


@rule("slice_copy")
def slice_copy(func, level, x, dim=0, *args, **kwargs):
    return level.wrap(func(x._value, shifted(dim, x.dim()), *args, **kwargs))


@rule("narrow narrow_copy unfold unfold_copy")
def narrow(func, level, x, dim, *args):
    if any(level.has(arg) for arg in args):
        start, length = args
        return x.index_select(dim, start.reshape(1) % x.shape[dim] + rustorch.arange(length, device=x.device))
    if x.dim() == 0:
        return level.wrap(func(x._value.unsqueeze(1), 1, *args).squeeze(1))
    return level.wrap(func(x._value, shifted(dim, x.dim()), *args))


@rule("diagonal diagonal_copy linalg_diagonal")
def diagonal(func, level, x, offset=0, dim1=None, dim2=None, **kwargs):
    first, second = (-2, -1) if name_of(func)[0] == "linalg_diagonal" else (0, 1)
    dim1, dim2 = first if dim1 is None else dim1, second if dim2 is None else dim2
    return level.wrap(x._value.diagonal(offset, shifted(dim1, x.dim()), shifted(dim2, x.dim())))


@rule("diag_embed")
def diag_embed(func, level, x, offset=0, dim1=-2, dim2=-1):
    rank = x.dim() + 1
    return level.wrap(func(x._value, offset, shifted(dim1, rank), shifted(dim2, rank)))


@rule("diag")
def diag(func, level, x, diagonal=0):
    if x.dim() not in (1, 2):
        func(rustorch.empty((1,) * x.dim()), diagonal)
    return x.diag_embed(diagonal) if x.dim() == 1 else x.diagonal(diagonal)


@rule("diagflat")
def diagflat(func, level, x, offset=0):
    return x.reshape(-1).diag_embed(offset)


@rule("trace")
def trace(func, level, x):
    return x.diagonal().sum(-1)


@rule("tril triu")
def triangle(func, level, x, diagonal=0):
    return level.wrap(func(x._value, diagonal))


def _split(names):
    @rule(names)
    def split(func, level, x, size, dim=0):
        return level.wrap(func(x._value, size, shifted(dim, x.dim())))


_split("split split_with_sizes chunk tensor_split unsafe_chunk unsafe_split unsafe_split_with_sizes")
_split("split_copy split_with_sizes_copy")


@rule("unbind unbind_copy")
def unbind(func, level, x, dim=0):
    return level.wrap(func(x._value, shifted(dim, x.dim())))


@rule("hsplit vsplit dsplit")
def hsplit(func, level, x, sections):
    dim = {"h": min(1, x.dim() - 1), "v": 0, "d": 2}[name_of(func)[0][0]]
    return x.tensor_split(sections, dim)


@rule("cat")
def cat(func, level, tensors, dim=0):
    rank = max(t.dim() for t in tensors)
    # An empty vector fits anything, as in torch.
    tensors = [level.full(t) for t in tensors if t.dim() == rank or t.shape != (0,)]
    return level.wrap(func(tensors, shifted(dim, rank)))


@rule("stack")
def stack(func, level, tensors, dim=0):
    tensors = list(tensors)
    return level.wrap(func([level.full(t) for t in tensors], rule_dim(dim, tensors[0].dim() + 1) + 1))


@rule("hstack vstack dstack column_stack")
def stacked(func, level, tensors):
    name = name_of(func)[0]
    if name == "hstack":
        tensors = [t.reshape(1) if t.dim() == 0 else t for t in tensors]
        return rustorch.cat(tensors, 0 if tensors[0].dim() == 1 else 1)
    if name == "vstack":
        return rustorch.cat([t.reshape(1, -1) if t.dim() < 2 else t for t in tensors], 0)
    if name == "column_stack":
        return rustorch.cat([t.reshape(-1, 1) if t.dim() < 2 else t for t in tensors], 1)
    tensors = [t.reshape(1, -1) if t.dim() < 2 else t for t in tensors]
    return rustorch.cat([t.unsqueeze(-1) if t.dim() == 2 else t for t in tensors], 2)


@rule("block_diag")
def block_diag(func, level, tensors):
    tensors = [t.reshape(1, -1) if t.dim() < 2 else t for t in tensors]
    width, start, rows = sum(t.shape[1] for t in tensors), 0, []
    for t in tensors:
        end = width - start - t.shape[1]
        rows.append(rustorch.nn.functional.pad(t, (start, end)))
        start += t.shape[1]
    return rustorch.cat(rows, 0)


@rule("broadcast_tensors")
def broadcast_tensors(func, level, *tensors):
    tensors = numbers(tensors)
    shape = rustorch.broadcast_shapes(*[t.shape for t in tensors])
    return tuple(t.expand(shape) for t in tensors)


def at_least(func, level, *tensors):
    alone = len(tensors) == 1 and isinstance(tensors[0], tuple | list)
    made = tuple(_WIDENED[func](t) for t in numbers(tensors))
    return made if alone or len(made) > 1 else made[0]


# Their bodies ask for overrides in a helper, for the parts as well.
_WIDENED = {
    rustorch.atleast_1d: lambda t: t.reshape(1) if t.dim() == 0 else t,
    rustorch.atleast_2d: lambda t: t.reshape(1, -1) if t.dim() < 2 else t,
    rustorch.atleast_3d: _three,
}
RULES.update(dict.fromkeys(_WIDENED, at_least))


@rule("repeat tile")
def repeat(func, level, x, *args):
    counts = numbers(args)
    if name_of(func)[0] == "tile":
        counts = [1] * (x.dim() - len(counts)) + counts
    elif len(counts) < x.dim():
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor\n"
            f"  repeat: expected at least {x.dim()} counts, but got {len(counts)}. Give one for each dim."
        )
    return level.wrap(level.aligned(x, len(counts)).repeat(1, *counts))


@rule("repeat_interleave")
def repeat_interleave(func, level, x, repeats=None, dim=None, **kwargs):
    if repeats is None or level.has(repeats):
        return one_by_one(
            func, level, "repeat_interleave", False, (x,) if repeats is None else (x, repeats, dim), kwargs
        )
    if dim is None:
        return x.reshape(-1).repeat_interleave(repeats, 0, **kwargs)
    value, added = with_dims(x)
    return finish(level, func(value, repeats, shifted(dim, x.dim()), **kwargs), added)


@rule("flip")
def flip(func, level, x, *args):
    dims = numbers(args)
    value, added = with_dims(x)
    return finish(level, func(value, shifted(dims, x.dim())), added)


@rule("fliplr flipud")
def flip_one(func, level, x):
    return x.flip(1 if name_of(func)[0] == "fliplr" else 0)


@rule("roll")
def roll(func, level, x, shifts, dims=None):
    if dims is None or dims in ((), []):
        return x.reshape(-1).roll(shifts, 0).reshape(x.shape)
    value, added = with_dims(x)
    return finish(level, func(value, shifts, shifted(dims, x.dim())), added)


@rule("rot90")
def rot90(func, level, x, k=1, dims=(0, 1)):
    return level.wrap(func(x._value, k, shifted(dims, x.dim())))


@rule(
    "view_as_real view_as_complex alias_copy detach clone contiguous cpu double cdouble float half bfloat16 cfloat "
    "long int short char byte bool to type_as zeros_like ones_like full_like empty_like"
)
def like(func, level, x, *args, **kwargs):
    # Strides for images do not fit the batch of them, and samples need not have them.
    kwargs = {key: value for key, value in kwargs.items() if key != "memory_format"}
    args = [level.value(arg) for arg in args if not isinstance(arg, rustorch.memory_format)]
    result = func(level.value(x), *args, **kwargs)
    return level.wrap(result) if level.has(x) else result


@rule("fill")
def fill(func, level, x, value):
    return rustorch.zeros_like(x) + value if isinstance(value, Tensor) else rustorch.full_like(x, value)


@rule("select_scatter slice_scatter diagonal_scatter")
def scattered(func, level, x, src, *args, **kwargs):
    """A copy of `x`, of which the view that the arguments describe is written."""
    name = name_of(func)[0].removesuffix("_scatter")
    copy = x.clone() if level.has(x) else level.wrap(level.full(x).clone())
    if name == "slice":
        names = ("dim", "start", "end", "step")
        dim, *span = (kwargs.get(key, args[i] if i < len(args) else None) for i, key in enumerate(names))
        part = copy[(slice(None),) * rule_dim(dim or 0, x.dim()) + (slice(*span),)]
    else:
        part = getattr(copy, name)(*args, **kwargs)
    part.copy_(src)
    return copy


@rule("squeeze_ unsqueeze_ transpose_ t_ swapaxes_ swapdims_ detach_")
def changed_in_place(func, level, x, *args, **kwargs):
    """Another view of the same values under the same name."""
    name = name_of(func)[0].removesuffix("_")
    x._value = getattr(x, name)(*args, **kwargs)._value
    return x


@rule("resize_")
def resize_(func, level, x, *args):
    sizes = numbers(args)
    if math.prod(sizes) > x.numel():
        x._value = rustorch.cat([x._value.flatten(1), x._value.new_zeros(level.size, math.prod(sizes) - x.numel())], 1)
    x._value = x._value.flatten(1)[:, : math.prod(sizes)].reshape(level.size, *sizes)
    return x


@rule("as_strided as_strided_copy")
def as_strided(func, level, x, size, stride, storage_offset=0):
    # Samples count as dense, each from the start of memory of its own.
    value = x._value.contiguous()
    start = value.storage_offset() + (storage_offset or 0)
    return level.wrap(func(value, [level.size, *size], [x.numel(), *stride], start))


@rule("as_strided_scatter")
def as_strided_scatter(func, level, x, src, *args, **kwargs):
    copy = level.wrap(level.full(x).clone(memory_format=rustorch.contiguous_format))
    copy.as_strided(*args, **kwargs).copy_(src)
    return copy
