"""Running vmaps, and the tensors that are batched by them.

Inside `vmap` a function sees `Batched` tensors, each of which stands for one sample and holds the tensor of all samples,
batch dim first. A call that involves one comes to `__torch_function__`, which looks up the operation's batching rule;
the rule does the same to the whole batch. Under nested vmaps the held tensor is itself batched, by an outer level:
a rule serves the innermost level, and the operations that it calls find the next one.

Source: the design follows functorch's and JAX's stacks of interpreters, with one rule per operation.
"""

import contextlib
import threading

import rustorch
from rustorch import Tensor


class Level:
    """One running vmap.

    Attributes:
        size (int): number of samples.
        randomness (str): "error", "different" or "same".
        depth (int): number of vmaps around it.
    """

    def __init__(self, size, randomness, depth):
        self.size, self.randomness, self.depth = size, randomness, depth

    def has(self, x):
        """Is `x` batched at this level?"""
        return isinstance(x, Batched) and x._level is self

    def value(self, x):
        """The tensor of all samples if `x` is batched at this level, else `x`."""
        return x._value if self.has(x) else x

    def full(self, x):
        """The tensor of all samples; a view that repeats `x` if it is not batched."""
        return x._value if self.has(x) else x.unsqueeze(0).expand(self.size, *x.shape)

    def aligned(self, x, rank):
        """The tensor of all samples with dims of size 1 behind the batch dim, so that samples broadcast to `rank`."""
        if not self.has(x):
            return x
        missing = rank - x.dim()
        return x._value[(slice(None), *[None] * missing)] if missing > 0 else x._value

    def wrap(self, value):
        """Batched tensors for the tensors of a result, which have the batch dim first."""
        if isinstance(value, Tensor):
            return Batched._of(value, self)
        if isinstance(value, tuple | list):
            members = [self.wrap(member) for member in value]
            return type(value)(*members) if hasattr(value, "_fields") else type(value)(members)
        return value


class _Running(threading.local):
    levels: tuple[Level, ...] = ()


_running = _Running()


def levels():
    """The running vmaps of this thread, outermost first."""
    return _running.levels


@contextlib.contextmanager
def entered(size, randomness):
    """A further level for the length of the block."""
    from rustorch.func import _rules
    from rustorch.func._rules.random import RandomCalls

    _rules.load()
    before = _running.levels
    level = Level(size, randomness, len(before))
    _running.levels = (*before, level)
    try:
        with RandomCalls(level):
            yield level
    finally:
        _running.levels = before


@contextlib.contextmanager
def outside(level):
    """Within the block, the vmaps around `level` run, but not it."""
    before = _running.levels
    _running.levels = before[: level.depth]
    try:
        yield
    finally:
        _running.levels = before


def physical(x, over):
    """The plain tensor behind `x` with one leading dim for each of the levels `over`, repeated where it is not batched.

    Raises:  RuntimeError: if `x` is batched by another level as well.
    """
    for level in reversed(over):
        x = level.full(x)
    if isinstance(x, Batched):
        raise RuntimeError(ESCAPED)
    return x


def logical(x, over):
    """The inverse of `physical`."""
    for level in over:
        x = Batched._of(x, level)
    return x


def tensors_in(args):
    """The tensors among arguments, inside sequences and dicts too."""
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, tuple | list):
            yield from tensors_in(arg)
        elif isinstance(arg, dict):
            yield from tensors_in(arg.values())
        elif isinstance(arg, slice):
            yield from tensors_in((arg.start, arg.stop, arg.step))


def mapped(function, arg):
    """An argument with `function` called on the tensors in it."""
    if isinstance(arg, Tensor):
        return function(arg)
    if type(arg) in (tuple, list):
        return type(arg)(mapped(function, member) for member in arg)
    if type(arg) is dict:
        return {key: mapped(function, member) for key, member in arg.items()}
    return arg


def innermost(args, kwargs):
    """The innermost level that batches one of the arguments."""
    found = None
    for x in args if not kwargs else tensors_in((args, kwargs)):
        if type(x) is Batched:
            level = x._level
        elif isinstance(x, tuple | list | slice):
            level = innermost(tensors_in((x,)), None)
        else:
            continue
        if found is None or (level is not None and level.depth > found.depth):
            found = level
    return found


ESCAPED = (
    "Either your tensor may have escaped from inside a function being vmapped and this is a user error (see "
    "https://pytorch.org/functorch/stable/ux_limitations.html)\n"
    "  vmap: expected tensors of running vmaps, but got one of a vmap that has ended. Return it from the function."
)
_BOOL = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that "
    "yet\n  vmap: expected operations on tensors, but got the truth of a batched one. Use torch.where."
)
_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, "
    "please try to rewrite what you're doing with other operations.\n"
    "  vmap: expected operations on tensors, but got a batched one as a number. Keep it a tensor."
)
_REQUIRES_GRAD = (
    "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) inside of "
    "a function being transformed by a functorch transform. This is unsupported, please attempt to use the functorch "
    "transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a function being "
    "transformed instead."
)
_BACKWARD = (
    "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
    "functorch.vjp instead or call backward() outside of functorch transforms."
)
_MEMORY = (
    "Cannot access data pointer of Tensor that doesn't have storage\n"
    "  vmap: expected operations on tensors, but got a request for the memory of one sample. Return the tensor."
)


def _refusing(message):
    def refuse(self, *args, **kwargs):
        raise RuntimeError(message)

    return refuse


def answer(func, level, args, kwargs):
    """The result of a call with arguments that are batched at `level`, the innermost.

    Raises:  RuntimeError: if that vmap does not run, or not in this thread.
    """
    from rustorch.func import _rules

    running = _running.levels
    if level is None or level.depth >= len(running) or running[level.depth] is not level:
        raise RuntimeError(ESCAPED)
    return _rules.apply(func, level, args, kwargs)


# What a handle rests on: nothing that could be read by mistake.
_NOTHING = rustorch.empty(0, device="meta")


class Batched(Tensor):
    """One sample of a batch, for the function inside `vmap`."""

    _in_vmap = True

    @staticmethod
    def _of(value, level):
        x = _NOTHING.as_subclass(Batched)
        x._value, x._level = value, level
        return x

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return answer(func, innermost(args, kwargs), args, kwargs or {})

    # What the samples share, or what follows from the whole batch.
    shape = property(lambda self: self._value.shape[1:])
    ndim = property(lambda self: self._value.dim() - 1)
    dtype = property(lambda self: self._value.dtype)
    device = property(lambda self: self._value.device)
    layout = property(lambda self: self._value.layout)
    requires_grad = property(lambda self: self._value.requires_grad, lambda self, value: self.requires_grad_(value))
    is_leaf = property(lambda self: self._value.is_leaf)
    grad_fn = property(lambda self: self._value.grad_fn)
    grad = property(lambda self: None)
    itemsize = property(lambda self: self._value.itemsize)
    nbytes = property(lambda self: self._value.itemsize * self.numel())
    is_cpu = property(lambda self: self._value.is_cpu)
    is_cuda = property(lambda self: self._value.is_cuda)
    is_gpu = property(lambda self: self._value.is_gpu)
    is_meta = property(lambda self: self._value.is_meta)
    is_sparse = is_quantized = is_mps = is_xpu = is_mkldnn = is_nested = property(lambda self: False)
    _version = property(lambda self: self._value._version)

    def dim(self):
        return self._value.dim() - 1

    ndimension = dim

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[rule_dim(dim, self.dim())]

    def numel(self):
        return self.shape.numel()

    nelement = numel

    def __len__(self):
        if self.dim() == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def stride(self, dim=None):
        strides = self._value.stride()[1:]
        return strides if dim is None else strides[rule_dim(dim, self.dim())]

    def is_floating_point(self):
        return self._value.is_floating_point()

    def is_complex(self):
        return self._value.is_complex()

    def is_signed(self):
        return self._value.is_signed()

    def is_contiguous(self, memory_format=rustorch.contiguous_format):
        return self._value.is_contiguous()

    def storage_offset(self):
        return self._value.storage_offset()

    def element_size(self):
        return self._value.element_size()

    def type(self, dtype=None, non_blocking=False, **kwargs):
        return self._value.type() if dtype is None else self.to(self._value[:0].type(dtype).dtype)

    def is_conj(self):
        return self._value.is_conj()

    def is_neg(self):
        return self._value.is_neg()

    def is_inference(self):
        return False

    def __repr__(self, *, tensor_contents=None):
        text = repr(self._value).replace("\n", "\n    ")
        return f"BatchedTensor(lvl={self._level.depth + 1}, bdim=0, value=\n    {text}\n)"

    def __format__(self, spec):
        return object.__format__(self, spec)

    def __hash__(self):
        return id(self)

    def __invert__(self):
        # Python's slot looks at the dtype of the handle.
        return self.bitwise_not()

    def register_hook(self, hook):
        """The hook sees the gradient of one sample."""
        level = self._level

        def on_batch(grad):
            result = hook(level.wrap(grad))
            return None if result is None else level.full(result)

        return self._value.register_hook(on_batch)

    __bool__ = _refusing(_BOOL)
    item = __int__ = __float__ = __complex__ = __index__ = _refusing(_ITEM)
    requires_grad_ = _refusing(_REQUIRES_GRAD)
    backward = retain_grad = register_post_accumulate_grad_hook = _refusing(_BACKWARD)
    tolist = numpy = data_ptr = storage = untyped_storage = __array__ = __dlpack__ = _refusing(_MEMORY)
    data = property(_refusing("accessing `data` under vmap transform is not allowed"))
    __deepcopy__ = __reduce_ex__ = _refusing(ESCAPED)


def rule_dim(dim, rank):
    """A dim of a sample counted from the front.

    Raises:  IndexError: if a sample has no such dim.
    """
    low, high = (-rank, rank - 1) if rank else (-1, 0)
    if not low <= dim <= high:
        raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})")
    return dim + max(rank, 1) if dim < 0 else dim
