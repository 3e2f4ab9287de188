"""Reading and writing by index."""

import operator

import rustorch
from rustorch import Tensor
from rustorch.func._levels import Batched, innermost, rule_dim
from rustorch.func._rules import apply, check_written, name_of, one_by_one, rule
from rustorch.func._rules.reduce import shifted

_MASK = (
    "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with "
    "a boolean mask.\n  index: expected indices or a mask that all samples share, but got a mask for each. "
    "Use torch.where."
)


def _is_number(item):
    return isinstance(item, int) and not isinstance(item, bool)


def _is_mask(item):
    return isinstance(item, Tensor) and item.dtype in (rustorch.bool, rustorch.uint8)


def _is_tensor(item):
    return isinstance(item, Tensor | range) or (isinstance(item, list) and bool(item))


def _spent(item):
    """How many dims of the tensor an item of an index takes."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.dim() if _is_mask(item) else 1


def _items(level, x, index):
    """The index as a list with one item for each dim of `x`: numbers, slices, None and integer tensors."""
    items = list(index) if isinstance(index, tuple) else [index]
    spent = sum(map(_spent, items))
    if spent > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)
    made = []
    for item in items:
        if item is Ellipsis:
            made += [slice(None)] * (x.dim() - spent)
        elif _is_mask(item):
            if level.has(item):
                raise RuntimeError(_MASK)
            made += item.nonzero(as_tuple=True) if item.dim() else [item]
        elif isinstance(item, list | range):
            made.append(rustorch.tensor(list(item), device=x.device))
        else:
            made.append(item)
    return made


def _refuse_batched_bounds(items):
    for item in items:
        if isinstance(item, slice):
            for bound in (item.start, item.stop, item.step):
                if isinstance(bound, Batched):
                    operator.index(bound)


class _Plan:
    """How to index the whole batch of `x`.

    Attributes:
        index (tuple): of the batch.
        width (int): dims that the index tensors make; 0 without any.
        place (int): where in one sample's result they stand.
    """

    def __init__(self, level, x, index):
        items = _items(level, x, index)
        tensors = [i for i, item in enumerate(items) if isinstance(item, Tensor)]
        if not tensors:
            self.index, self.width, self.place = (slice(None), *items), 0, 0
            return
        # Among tensors a number is an index like them.
        advanced = [i for i, item in enumerate(items) if isinstance(item, Tensor) or _is_number(item)]
        adjacent = advanced[-1] - advanced[0] == len(advanced) - 1
        self.width = max(items[i].dim() for i in tensors)
        self.place = advanced[0] if adjacent else 0
        rows = rustorch.arange(level.size, device=x.device).reshape(-1, *[1] * self.width)
        self.index = (rows, *(level.aligned(t, self.width) if isinstance(t, Tensor) else t for t in items))

    def sample(self, result):
        """A result of indexing, with the dims of the index tensors moved from behind the batch dim to their place."""
        if not self.width or not self.place:
            return result
        dims = range(1, 1 + self.width)
        return result.movedim(tuple(dims), tuple(d + self.place for d in dims))

    def batch(self, value):
        """The inverse: values for one sample's places, as indexing the batch would give them."""
        if not self.width or not self.place:
            return value
        dims = range(1, 1 + self.width)
        return value.movedim(tuple(d + self.place for d in dims), tuple(dims))


def indexed(func, *args):
    """`x[index]`, or a write to it: brackets do not see that a tensor inside a tuple is batched."""
    level = innermost(args, {})
    return func(*args) if level is None else apply(func, level, args, {})


@rule("__getitem__")
def getitem(func, level, x, index):
    _refuse_batched_bounds(index if isinstance(index, tuple) else (index,))
    if isinstance(index, list) and any(isinstance(i, slice | Tensor) or i is None or i is Ellipsis for i in index):
        index = tuple(index)
    if level.has(x) and not _has_tensors(index):
        return level.wrap(func(x._value, (slice(None), *(index if isinstance(index, tuple) else (index,)))))
    plan = _Plan(level, x, index)
    return level.wrap(plan.sample(indexed(func, level.full(x), plan.index)))


def _has_tensors(index):
    items = index if isinstance(index, tuple) else (index,)
    return any(_is_tensor(item) or isinstance(item, bool) for item in items)


@rule("__setitem__")
def setitem(func, level, x, index, value):
    check_written(level, "setitem", x, index, value)
    write(level, x, index, value, lambda batch, at, values: indexed(func, batch, at, values))


def write(level, x, index, value, put):
    """Call `put(batch, index, values)` with all in the batch's layout."""
    plan = _Plan(level, x, index)
    if isinstance(value, Tensor) and value.dim():
        shape = plan.sample(indexed(Tensor.__getitem__, x._value, plan.index)).shape[1:]
        # Leading dims of size 1 may be given in excess.
        while value.dim() > len(shape) and value.shape[0] == 1:
            value = value.squeeze(0)
        value = plan.batch(level.full(value.expand(shape)))
    elif isinstance(value, Tensor) and level.has(value):
        rank = indexed(Tensor.__getitem__, x._value, plan.index).dim() - 1
        value = level.aligned(value, rank)
    put(x._value, plan.index, value)


@rule("index_put_")
def index_put_(func, level, x, indices, values, accumulate=False):
    check_written(level, "index_put_", x, indices, values)

    def put(batch, at, given):
        # Whole dims become index tensors, so that all dims of the values line up.
        rows = [i if isinstance(i, Tensor) else None for i in at]
        func(batch, rows, given, accumulate)

    # None stands for a whole dim here, and for a new one in brackets.
    write(level, x, tuple(slice(None) if i is None else i for i in indices), values, put)
    return x


@rule("index_put")
def index_put(func, level, x, indices, values, accumulate=False):
    copy = level.wrap(level.full(x).clone())
    return copy.index_put_(indices, values, accumulate)


@rule("gather")
def gather(func, level, x, dim, index, **kwargs):
    shape = index.shape
    x, index = (t.reshape(1) if t.dim() == 0 else t for t in (x, index))
    made = rustorch.gather(level.full(x), shifted(dim, x.dim()), level.full(index))
    return level.wrap(made if shape else made.squeeze(1))


@rule("take_along_dim")
def take_along_dim(func, level, x, indices, dim=None):
    if dim is None:
        return x.reshape(-1).gather(0, indices.reshape(-1))
    dim = rule_dim(dim, x.dim())
    around = ([1 if d == dim else size for d, size in enumerate(t.shape)] for t in (x, indices))
    shape = rustorch.broadcast_shapes(*around)
    x, indices = (t.expand([*shape[:dim], t.shape[dim], *shape[dim + 1 :]]) for t in (x, indices))
    return x.gather(dim, indices)


@rule("scatter scatter_add scatter_reduce")
def scatter(func, level, x, dim, index, src, *args, **kwargs):
    shape = x.shape
    x, index = (t.reshape(1) if t.dim() == 0 else t for t in (x, index))
    if isinstance(src, Tensor):
        # A number is a value for each place.
        src = level.full(src if src.dim() == index.dim() else src.expand(index.shape))
    result = func(level.full(x), shifted(dim, x.dim()), level.full(index), src, *args, **kwargs)
    return level.wrap(result.reshape(level.size, *shape))


@rule("index_select")
def index_select(func, level, x, dim, index):
    shape = x.shape
    if x.dim() == 0:
        x = x.reshape(1)
    if not level.has(index):
        result = level.wrap(func(x._value, shifted(dim, x.dim()), index))
    else:
        result = indexed(Tensor.__getitem__, x, _at(x, dim, index))
    return result if shape else result.reshape(())


def _at(x, dim, index):
    return (*(slice(None),) * rule_dim(dim, x.dim()), index.reshape(-1).long())


@rule("index_add index_copy index_fill")
def index_write(func, level, x, dim, index, source, *, alpha=1):
    name, shape = name_of(func)[0], x.shape
    copy = level.wrap(level.full(x).clone())
    copy = copy.reshape(1) if copy.dim() == 0 else copy
    at = _at(copy, dim, index)
    if isinstance(source, Tensor) and name != "index_fill" and source.dim() < copy.dim():
        source = source.reshape(1)
    if name == "index_add":
        source = source * alpha if alpha != 1 else source
        indices = [None if isinstance(i, slice) else i for i in at]
        copy.index_put_(indices, source.to(copy.dtype), accumulate=True)
    else:
        indexed(Tensor.__setitem__, copy, at, source)
    return copy if shape else copy.reshape(())


@rule("take")
def take(func, level, x, index):
    flat = x.reshape(-1)
    return indexed(Tensor.__getitem__, flat, (index.reshape(-1),)).reshape(index.shape)


@rule("put")
def put(func, level, x, index, source, accumulate=False):
    flat = x.reshape(-1)
    made = flat.index_put((index.reshape(-1),), source.reshape(-1), accumulate)
    return made.reshape(x.shape)


@rule("masked_scatter")
def masked_scatter(func, level, x, mask, source):
    x, mask = rustorch.broadcast_tensors(x, mask)
    # How many places of the mask come before one is which number of the source goes there.
    at = mask.reshape(-1).cumsum(0) - 1
    taken = source.reshape(-1).take(at.clamp(min=0)).reshape(mask.shape)
    return rustorch.where(mask, taken, x)


@rule("fill_diagonal_")
def fill_diagonal_(func, level, x, value, wrap=False):
    rows, *rest = x.shape
    if x.dim() == 2 and (not wrap or rows <= rest[0] + 1):
        x.diagonal().fill_(value)
        return x
    return one_by_one(func, level, "fill_diagonal", True, (x, value, wrap), {})


@rule("embedding")
def embedding(func, level, weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    if not level.has(weight):
        return level.wrap(func(weight, indices._value, padding_idx, scale_grad_by_freq, sparse))
    if scale_grad_by_freq:
        return one_by_one(func, level, "embedding", False, (weight, indices, padding_idx, True), {})
    width = weight.shape[1]
    found = weight.gather(0, indices.reshape(-1, 1).expand(-1, width).long()).reshape(*indices.shape, width)
    if padding_idx is None or padding_idx < 0:
        return found
    # No gradient reaches the row of the padding.
    return rustorch.where((indices == padding_idx).unsqueeze(-1), found.detach(), found)


@rule("one_hot")
def one_hot(func, level, x, num_classes=-1):
    if num_classes == -1:
        raise RuntimeError(
            "When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument."
        )
    return level.wrap(func(x._value, num_classes))
