"""The parts of `Tensor` that need no speed, attached to the Rust class."""

import rustorch
from rustorch import _C
from rustorch._C import Tensor


def _method(function):
    setattr(Tensor, function.__name__, function)
    return function


@_method
def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Adds the gradient of this tensor by the graph's leaves to their `.grad`.

    Args:
        gradient (Tensor, None): weights of this tensor's elements; may be left out for one element.
        retain_graph (bool, create_graph): keep what the graph saved, for another backward.
        create_graph (bool, False): record the backward itself, for higher derivatives.
        inputs (sequence of Tensor, None): add to these alone.
    """
    rustorch.autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


@_method
def __repr__(self, *, tensor_contents=None):
    from rustorch._tensor_str import _str

    return _str(self, tensor_contents=tensor_contents)


@_method
def __format__(self, spec):
    if self.dim() == 0 and not self.is_meta and type(self) is Tensor:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


@_method
def get_device(self):
    """-1: the CPU has no index."""
    return -1


@_method
def __iter__(self):
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


@_method
def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


@_method
def __contains__(self, element):
    return bool((element == self).any())


@_method
def numpy(self, *, force=False):
    """A NumPy array that shares this tensor's memory.

    Args: force (bool, False): detach first, and copy where the memory cannot be shared.
    Raises: RuntimeError: if the tensor requires grad (and not force). TypeError: for bfloat16.
    """
    import numpy

    if self.requires_grad:
        if not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        self = self.detach()
    return numpy.asarray(_C._Memory(self))


@_method
def __array__(self, dtype=None, copy=None):
    array = self.numpy()
    return array if dtype is None else array.astype(dtype, copy=bool(copy))


Tensor.__array_priority__ = 1000


@_method
def __array_wrap__(self, array, context=None, return_scalar=False):
    return rustorch.from_numpy(array)


class _Handle:
    """Takes a tensor's hook away."""

    def __init__(self, tensor, number):
        self._tensor, self.id = tensor, number

    def remove(self):
        self._tensor._remove_hook(self.id)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.remove()


@_method
def register_hook(self, hook):
    """Calls `hook(grad)` whenever a gradient of this tensor is known; a result replaces the gradient."""
    return _Handle(self, self._add_hook(hook))


@_method
def register_post_accumulate_grad_hook(self, hook):
    """Calls `hook(self)` after a gradient was added to this leaf's `.grad`."""
    return _Handle(self, self._add_post_accumulate_hook(hook))


@_method
def norm(self, p="fro", dim=None, keepdim=False, dtype=None):
    """See `rustorch.norm`."""
    return rustorch.norm(self, p, dim, keepdim, dtype=dtype)


@_method
def view_as(self, other):
    """A view with the shape of `other`."""
    return self.view(other.shape)


Tensor.__torch_function__ = classmethod(_C._default_torch_function)

# Functions whose results keep their class under a subclass's default `__torch_function__`.
_PLAIN = set()


def _keeps_plain(function):
    return function in _PLAIN


@property
def T(self):
    """The tensor with its dims reversed."""
    return self.permute(tuple(range(self.dim() - 1, -1, -1)))


@property
def mT(self):
    """The last two dims swapped."""
    return self.transpose(-2, -1)


Tensor.T = T
Tensor.mT = mT
