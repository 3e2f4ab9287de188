"""The parts of `Tensor` that need no speed, attached to the Rust class."""

import copy as _copy
import functools
from collections import OrderedDict

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch._utils import _get_obj_state, _rebuild_from_type_v2, _rebuild_on_device, _rebuild_tensor_v2, _type

_overridden = _C._has_torch_function_unary


def _method(function):
    """Makes a function a method of Tensor that subclasses and modes may override."""

    @functools.wraps(function)
    def method(self, *args, **kwargs):
        if _overridden(self):
            return rustorch.overrides.handle_torch_function(method, (self,), self, *args, **kwargs)
        return function(self, *args, **kwargs)

    method.__qualname__ = f"Tensor.{function.__name__}"
    setattr(Tensor, function.__name__, method)
    return method


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
    if self.dim() == 0 and not self.is_meta and self.__class__ is Tensor:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


@_method
def get_device(self):
    """-1: the CPU has no index."""
    return -1


def __iter__(self):
    # Not for overrides to answer: they are asked for the parts.
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


Tensor.__iter__ = __iter__


@_method
def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


@_method
def __contains__(self, element):
    if isinstance(element, Tensor | int | float | complex | bool):
        return bool((element == self).any())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


@_method
def numpy(self, *, force=False):
    """A NumPy array that shares this tensor's memory.

    Args: force (bool, False): detach first, and copy where the memory cannot be shared.
    Raises: RuntimeError: if the tensor requires grad in grad mode, or reads as conjugates or negatives of what is stored
        (and not force). TypeError: for bfloat16.
    """
    import numpy

    if not isinstance(force, bool):
        raise TypeError(f"numpy(): argument 'force' must be bool, not {type(force).__name__}")
    if self.requires_grad:
        if not force and rustorch.is_grad_enabled():
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        self = self.detach()
    if force:
        self = self.cpu().resolve_conj().resolve_neg()
    return numpy.asarray(_C._Memory(self))


@_method
def gpu(self):
    """This tensor on the GPU: a copy, or itself if it is there.

    Raises: RuntimeError: if there is no GPU. TypeError: for float64, complex and other dtypes that GPUs lack.
    """
    return self.to("gpu")


@_method
def xpu(self, device=None, non_blocking=False, *, memory_format=None):
    """This tensor on an XPU, which this build does not have."""
    raise AssertionError("Torch not compiled with XPU enabled. Use gpu(), which runs on any vendor's GPU.")


@_method
def dequantize(self):
    """This tensor as float32: no tensor is quantised here."""
    return self.float()


@_method
def resize(self, *sizes):
    """The tensor with another shape of as many elements; deprecated, `reshape` is the function to use."""
    import warnings

    warnings.warn("non-inplace resize is deprecated", stacklevel=3)
    size = rustorch.Size(sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes)
    if size.numel() != self.numel():
        raise RuntimeError(
            f"requested resize to {tuple(size)} ({size.numel()} elements in total), but the given tensor has a size of "
            f"{tuple(self.shape)} ({self.numel()} elements). autograd's resize can only change the shape of a given "
            "tensor, while preserving the number of elements. "
        )
    return self.contiguous().view(size)


@_method
def index(self, positions, dims):
    """Indexes the dims at `positions` and leaves the others as they are.

    Args:
        positions (int or sequence of int): which dims of this tensor.
        dims (index or sequence of index): an int, slice or tensor of integers for each of them.
    Example:
        >>> torch.arange(6).reshape(2, 3).index(1, torch.tensor([2, 0]))
        tensor([[2, 0],
                [5, 3]])
    """
    if isinstance(positions, int):
        positions, dims = (positions,), (dims,)
    if len(positions) != len(dims):
        raise TypeError(f"index: expected one index per position, but got {len(dims)} for {len(positions)}.")
    whole = [slice(None)] * self.dim()
    for position, at in zip(positions, dims):
        whole[position] = at
    return self[tuple(whole)]


@_method
def __array__(self, dtype=None, copy=None):
    array = self.numpy()
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(
                f"Unable to avoid copy while creating an array: expected dtype {dtype}, but got {array.dtype}."
            )
        return array.astype(dtype)
    return array.copy() if copy else array


Tensor.__array_priority__ = 1000


@_method
def __array_wrap__(self, array, context=None, return_scalar=False):
    # Truth values come back as bytes, as they did before there were bool tensors.
    return rustorch.from_numpy(array.astype("uint8") if array.dtype == bool else array)


@_method
def __rdiv__(self, other):
    """`other / self`, under the name by which `__torch_function__` knows it."""
    return self.reciprocal() * other


@_method
def __dlpack__(self, *, stream=-1, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule with this tensor's memory, for `from_dlpack` of another library.

    Args:
        stream (int, -1): None or -1; the CPU has no streams.
        max_version (pair of int, None): from (1, 0) on the capsule is of DLPack 1, else of the version before.
        dl_device (pair of int, None): (1, 0), the CPU, or None.
        copy (bool, None): True hands over a copy.
    Raises:  BufferError: if the tensor requires grad, has no memory, or reads as conjugates or negatives of what is stored.
    """
    if self.requires_grad:
        raise BufferError(
            "Can't export tensors that require gradient, use tensor.detach()\n"
            "  __dlpack__: expected a tensor without grad, but got one that requires it. Use detach()."
        )
    if self.is_conj() or self.is_neg():
        bit, name = ("conjugate", "conj") if self.is_conj() else ("negative", "neg")
        raise BufferError(
            f"Can't export tensors with the {bit} bit set\n"
            f"  __dlpack__: expected a tensor that is stored as it reads, but got a view. Use resolve_{name}()."
        )
    if stream is not None and not isinstance(stream, int):
        raise TypeError("stream must be ``int`` or ``none``")
    if self.is_cpu and stream not in (None, -1):
        raise AssertionError("stream should be None on cpu.")
    if dl_device is not None and tuple(dl_device) != (1, 0):
        raise BufferError(f"__dlpack__: expected dl_device (1, 0), the CPU, but got {dl_device}. Leave it out.")
    return _C._to_dlpack(self, max_version is not None and max_version[0] >= 1, copy is True)


@_method
def __dlpack_device__(self):
    """DLPack's (device type, index): (1, 0) for the CPU."""
    from rustorch.utils.dlpack import DLDeviceType

    if not self.is_cpu:
        raise ValueError(f"Unknown device type {self.device.type} for Dlpack")
    return DLDeviceType.kDLCPU, 0


@_method
def __array_namespace__(self, *, api_version=None):
    """`rustorch.array_api`, the functions of the Python array API standard.

    Args:  api_version (str, None): the version that the caller is written for, up to '2024.12'.
    Raises:  ValueError: for a version that is not supported.
    """
    from rustorch import array_api

    if api_version not in (None, *array_api._VERSIONS):
        raise ValueError(
            f"__array_namespace__: expected api_version out of {', '.join(array_api._VERSIONS)}, but got "
            f"{api_version!r}. Leave it out."
        )
    return array_api


@_method
def to_device(self, device, /, *, stream=None):
    """This tensor on `device`, by the array API standard's name for `to`.

    Args:  stream (None): there are no streams.
    Raises:  ValueError: for a stream.
    """
    if stream is not None:
        raise ValueError(f"to_device: expected no stream, but got {stream!r}. Leave stream out.")
    return self.to(device)


@_method
def dim_order(self, *, ambiguity_check=False):
    """The dims from the outermost to the innermost in memory: (0, 2, 3, 1) for channels_last."""
    if ambiguity_check not in (False, True) and not isinstance(ambiguity_check, list):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    strides = self.stride()
    return tuple(sorted(range(self.dim()), key=lambda d: (-strides[d], d)))


@_method
def register_hook(self, hook):
    """Calls `hook(grad)` whenever a gradient of this tensor is known; a result replaces the gradient."""
    return rustorch.utils.hooks.PlacedHandle(self._add_hook(hook))


@_method
def register_post_accumulate_grad_hook(self, hook):
    """Calls `hook(self)` after a gradient was added to this leaf's `.grad`."""
    return rustorch.utils.hooks.PlacedHandle(self._add_post_accumulate_hook(hook))


@_method
def histogram(self, bins, *, range=None, weight=None, density=False):
    """See `torch.histogram`."""
    return rustorch.histogram(self, bins, range=range, weight=weight, density=density)


Tensor.__torch_function__ = classmethod(_C._default_torch_function)

# Functions whose results keep their class under a subclass's default `__torch_function__`.
_PLAIN = {Tensor.grad.__get__, Tensor._base.__get__}


def _keeps_plain(function):
    return function in _PLAIN


def _hooks_of(self):
    """The hooks on this tensor, numbered; None without any. Setting it does nothing: a handle takes a hook away."""
    hooks = self._hook_functions()
    return OrderedDict(enumerate(hooks)) if hooks else None


Tensor._backward_hooks = property(_hooks_of, lambda self, hooks: None)
Tensor._post_accumulate_grad_hooks = property(lambda self: None, lambda self, hooks: None)
Tensor._grad = property(lambda self: self.grad, lambda self, grad: setattr(self, "grad", grad))


def _reduce_args(tensor):
    tensor = tensor.resolve_conj().resolve_neg()
    storage = rustorch.storage.TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype, _internal=True)
    # Hooks are left out: a loaded tensor starts without a graph.
    return (
        storage,
        tensor.storage_offset(),
        tuple(tensor.size()),
        tensor.stride(),
        tensor.requires_grad,
        OrderedDict(),
    )


@_method
def __reduce_ex__(self, proto):
    state = _get_obj_state(self)
    with _C.DisableTorchFunctionSubclass():
        rustorch.utils.hooks.warn_if_has_hooks(self)
        if self.is_gpu and not state:
            return _rebuild_on_device, (self.detach().cpu(), str(self.device), self.requires_grad)
        args = _reduce_args(self)
    if type(self) is Tensor and not state:
        return _rebuild_tensor_v2, args
    return _rebuild_from_type_v2, (_rebuild_tensor_v2, type(self), args, state)


@_method
def __setstate__(self, state):
    if not self.is_leaf:
        raise RuntimeError("__setstate__ can be only called on leaf Tensors")
    if state is None or isinstance(state, dict):
        self.__dict__.update(state or {})
    elif len(state) == 4:
        self.set_(*state)
    else:
        self.data = state[0]
        self.requires_grad = state[-3]


@_method
def __deepcopy__(self, memo):
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) in memo:
        return memo[id(self)]
    with rustorch.no_grad(), _C.DisableTorchFunctionSubclass():
        if self.is_gpu:
            new = self.detach().clone()
        else:
            storage = _copy.deepcopy(self.untyped_storage(), memo)
            new = _C._over_storage(storage, self.dtype, self.storage_offset(), tuple(self.size()), self.stride())
            new = new.conj_physical() if self.is_conj() else new
            new = new.neg() if self.is_neg() else new
        if type(self) is not Tensor:
            new = Tensor._make_subclass(type(self), new)
        if self.requires_grad:
            new.requires_grad_()
        if self.grad is not None:
            new.grad = _copy.deepcopy(self.grad, memo)
    memo[id(self)] = new
    for name in getattr(type(self), "__slots__", ()) if type(self) is not Tensor else ():
        if hasattr(self, name):
            setattr(new, name, _copy.deepcopy(getattr(self, name), memo))
    new.__dict__.update(_copy.deepcopy(self.__dict__, memo))
    return new


@_method
def __dir__(self):
    return sorted({*dir(type(self)), *self.__dict__})


def _type_or_cast(self, dtype=None, non_blocking=False, **kwargs):
    """The legacy class's name or, with `dtype` (a dtype, class or class name), the tensor converted to it."""
    return _type(self, dtype, non_blocking)


_type_or_cast.__name__ = "type"  # the builtin keeps its name in this module
_method(_type_or_cast)


@_method
def new(self, *args, **kwargs):
    """A tensor of the same dtype by the legacy constructor's rules: sizes, data, or nothing."""
    return _C._legacy_tensor(self.dtype, *args, **kwargs)


@_method
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A tensor with a copy of `data` and, unless given, this tensor's dtype and device."""
    return rustorch.tensor(
        data,
        dtype=self.dtype if dtype is None else dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
    )


@_method
def storage(self):
    """The memory as a TypedStorage; `untyped_storage()` is the method to use."""
    from rustorch.storage import _warn_typed

    _warn_typed(stacklevel=3)
    return self._typed_storage()


@_method
def _typed_storage(self):
    return rustorch.storage.TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype, _internal=True)


@_method
def storage_type(self):
    """The class of `storage()`."""
    name = rustorch._legacy.type_name(self.dtype).removeprefix("torch.").replace("Tensor", "Storage")
    return rustorch.storage.classes.get(name, rustorch.storage.TypedStorage)


def _check_elementwise(self, name, *others):
    if self.requires_grad:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    if not self.is_cpu:
        raise TypeError(f"{name} is only implemented on CPU tensors")
    for other in others:
        if not isinstance(other, Tensor):
            raise TypeError(f"{name}(): argument 'tensor' must be Tensor, not {type(other).__name__}")
        if other.dtype is not self.dtype:
            raise TypeError(f"{name}(): expected tensors of dtype {self.dtype}, but got {other.dtype}.")


def _store(self, values):
    # An integer tensor truncates what the function returns, as a C cast does.
    whole = not (self.is_floating_point() or self.is_complex())
    for value in values:
        if not isinstance(value, int | float | complex) and not hasattr(value, "dtype"):
            name = type(value).__name__
            raise TypeError(
                f"'{name}' object cannot be interpreted as an integer" if whole else f"must be real number, not {name}"
            )
    if whole:
        values = [int(v) for v in values]
    with rustorch.no_grad():
        self.copy_(rustorch.tensor(values, dtype=self.dtype).reshape(self.shape))
    return self


@_method
def apply_(self, callable):
    """Replace each element x by `callable(x)`; slow, for a few elements on the CPU."""
    _check_elementwise(self, "apply_")
    return _store(self, [callable(x) for x in self.flatten().tolist()])


@_method
def map_(self, tensor, callable):
    """Replace each element x by `callable(x, y)`, y the element of `tensor` (broadcast)."""
    _check_elementwise(self, "map_", tensor)
    others = tensor.expand(self.shape).flatten().tolist()
    return _store(self, [callable(x, y) for x, y in zip(self.flatten().tolist(), others, strict=True)])


@_method
def map2_(self, x, y, callable):
    """Replace each element a by `callable(a, b, c)`, b and c the elements of `x` and `y` (broadcast)."""
    _check_elementwise(self, "map2_", x, y)
    xs, ys = (t.expand(self.shape).flatten().tolist() for t in (x, y))
    return _store(self, [callable(*v) for v in zip(self.flatten().tolist(), xs, ys, strict=True)])


@_method
def cuda(self, device=None, non_blocking=False, memory_format=None):
    """A copy on the GPU in programs run by `python -m rustorch`, where `cuda` names it.

    Raises:  AssertionError: elsewhere; use `.gpu()`.
    """
    if _C._cuda_is_gpu():
        return self.to("cuda" if device is None else device, non_blocking=non_blocking)
    raise AssertionError(
        "Torch not compiled with CUDA enabled\n  cuda: expected a CUDA device, but rustorch has none. Use device='cpu'."
    )


@_method
def pin_memory(self, device=None):
    """Raises: only memory for an accelerator is pinned."""
    raise RuntimeError(
        "Cannot access accelerator device when none is available.\n  pin_memory: expected an accelerator, but got none. Leave pin_memory out."
    )


@_method
def record_stream(self, stream):
    """Nothing: the CPU has no streams."""


@_method
def is_coalesced(self):
    """True: tensors are dense."""
    return True


@_method
def lu(self, pivot=True, get_infos=False):
    """LU factorisation in compact form; see `torch.lu`."""
    return rustorch.functional.lu(self, pivot, get_infos)


@_method
def norm(self, p="fro", dim=None, keepdim=False, dtype=None):
    """The norm of order `p` over some dims; see `torch.norm`."""
    return rustorch.functional.norm(self, p, dim, keepdim, dtype=dtype)


@_method
def module_load(self, other, assign=False):
    """What a parameter or buffer becomes when `other` is loaded into it: a new tensor.

    `Module.load_state_dict` asks where `torch.__future__.set_swap_module_params_on_conversion(True)` was called.
    """
    return other.detach() if assign else self.copy_(other).detach()


def _of_sparse(name):
    """A method that is written in `rustorch.sparse`, which is loaded when it is first called."""

    def method(self, *args, **kwargs):
        from rustorch.sparse import _methods

        return getattr(_methods, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("_coalesced_", "_indices", "_nnz", "_values", "ccol_indices", "coalesce", "col_indices", "crow_indices"),
    *("dense_dim", "indices", "is_coalesced", "row_indices", "smm", "sparse_dim", "sparse_mask", "sparse_resize_"),
    *("sparse_resize_and_clear_", "sspaddmm", "to_dense", "to_sparse", "to_sparse_coo", "to_sparse_csc"),
    *("to_sparse_csr", "values"),
):
    _method(_of_sparse(_name))
