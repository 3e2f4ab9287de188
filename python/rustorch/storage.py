"""The memory behind tensors: as bytes (`UntypedStorage`, written in Rust) and as elements (`TypedStorage`)."""

import copy
import warnings

import rustorch
from rustorch import _C
from rustorch._C import UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]


_warned = False


def _warn_typed(stacklevel=2):
    global _warned
    if _warned and not rustorch.is_warn_always_enabled():
        return
    _warned = True
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage "
        "directly, use tensor.untyped_storage() instead of tensor.storage()",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


class TypedStorage:
    """A tensor's memory as a flat sequence of elements of one dtype; `UntypedStorage` is the class to use.

    Args:
        wrap_storage (UntypedStorage): the memory, which is shared.
        dtype (dtype, None): the elements' type; by default the default dtype.
    """

    def __init__(self, *args, wrap_storage=None, dtype=None, device=None, _internal=False):
        if not _internal:
            _warn_typed()
        self.dtype = dtype or rustorch.get_default_dtype()
        if wrap_storage is not None:
            if args:
                raise RuntimeError("TypedStorage: expected no arguments beside wrap_storage, but got some.")
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(
                    f"Argument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage).__name__}"
                )
            self._untyped_storage = wrap_storage
        elif args and isinstance(args[0], str | bytes):
            raise TypeError(f"new(): invalid data type '{type(args[0]).__name__}'")
        elif args and isinstance(args[0], dict):
            raise TypeError(f"TypedStorage: expected a size or a sequence, but got {type(args[0])}.")
        elif args and isinstance(args[0], int):
            self._untyped_storage = UntypedStorage(args[0] * self.dtype.itemsize, device=device)
        else:
            data = rustorch.tensor(list(args[0]) if args else [], dtype=self.dtype, device=device)
            self._untyped_storage = data.untyped_storage()

    def _elements(self):
        return _C._over_storage(self._untyped_storage, self.dtype, 0, (self._size(),), (1,))

    def _size(self):
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    def _typed(self, untyped):
        return TypedStorage(wrap_storage=untyped, dtype=self.dtype, _internal=True)

    @property
    def device(self):
        return self._untyped_storage.device

    @property
    def is_cuda(self):
        return self._untyped_storage.is_cuda

    @property
    def _cdata(self):
        return self._untyped_storage._cdata

    def __len__(self):
        return self._size()

    def size(self):
        """Number of elements."""
        return self._size()

    def nbytes(self):
        """Number of bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self):
        """Bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self):
        """Address of the first byte."""
        return self._untyped_storage.data_ptr()

    def untyped(self):
        """The memory as bytes."""
        return self._untyped_storage

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(index, int):
            raise NotImplementedError(f"can't index a {type(self)} with {type(index)}")
        return self._elements()[index].item()

    def __setitem__(self, index, value):
        if not isinstance(index, int | slice):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        self._elements()[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self):
        """The elements as a list."""
        return self._elements().tolist()

    def fill_(self, value):
        """Set all elements."""
        self._elements().fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        """Copy the elements of another typed storage of the same length."""
        self._elements().copy_(source._elements())
        return self

    def resize_(self, size):
        """Grow or shrink to `size` elements."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def clone(self):
        """A copy of the memory."""
        return self._typed(self._untyped_storage.clone())

    def cpu(self):
        """The storage itself."""
        return self

    def is_shared(self):
        """Do processes forked later see the same memory?"""
        return self._untyped_storage.is_shared()

    def is_pinned(self, device=None):
        """False: no memory is pinned."""
        return False

    def share_memory_(self):
        """Move the memory to where processes forked later share it."""
        self._untyped_storage.share_memory_()
        return self

    def pickle_storage_type(self):
        """The name of the legacy storage class, such as 'FloatStorage'."""
        from rustorch import _legacy

        return _legacy.type_name(self.dtype).removeprefix("torch.").replace("Tensor", "Storage")

    def type(self, dtype=None):
        """The legacy class's name or, with `dtype`, a copy with elements of that dtype."""
        return f"torch.{self.pickle_storage_type()}" if dtype is None else self._to(dtype)

    def _to(self, dtype):
        elements = self._elements().to(dtype).clone()
        return TypedStorage(wrap_storage=elements.untyped_storage(), dtype=dtype, _internal=True)

    def __copy__(self):
        return self.clone()

    def __deepcopy__(self, memo):
        return self._typed(copy.deepcopy(self._untyped_storage, memo))

    def __reduce__(self):
        return _rebuild_typed, (self._untyped_storage, self.dtype)

    def __repr__(self):
        lines = "".join(f" {x}\n" for x in self.tolist())
        name = f"torch.storage.TypedStorage(dtype={self.dtype}, device={self.device})"
        return f"{lines}[{name} of size {self._size()}]"


def _rebuild_typed(untyped, dtype):
    return TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)


class _LegacyStorage(type):
    """The class of legacy storage classes: their instances are the typed storages of one dtype."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"

    def __call__(cls, *args, wrap_storage=None):
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.dtype, _internal=True)


_DTYPES = {
    "float": ("Float", "float32"),
    "double": ("Double", "float64"),
    "half": ("Half", "float16"),
    "bfloat16": ("BFloat16", "bfloat16"),
    "long": ("Long", "int64"),
    "int": ("Int", "int32"),
    "short": ("Short", "int16"),
    "char": ("Char", "int8"),
    "byte": ("Byte", "uint8"),
    "bool": ("Bool", "bool"),
    "complex_float": ("ComplexFloat", "complex64"),
    "complex_double": ("ComplexDouble", "complex128"),
}


def _conversion(name, dtype):
    def convert(self):
        typed = (
            self
            if isinstance(self, TypedStorage)
            else TypedStorage(wrap_storage=self, dtype=rustorch.uint8, _internal=True)
        )
        return typed._to(dtype)

    convert.__name__, convert.__doc__ = name, f"A copy with the elements as {dtype}; plain storages are of bytes."
    return convert


classes = {}
for _name, (_class, _dtype) in _DTYPES.items():
    _dtype = getattr(rustorch, _dtype)
    for _storage in (TypedStorage, UntypedStorage):
        setattr(_storage, _name, _conversion(_name, _dtype))
    _class += "Storage"
    classes[_class] = _LegacyStorage(_class, (), {"__module__": "rustorch", "dtype": _dtype})


def _type(self, dtype=None):
    """The storage's class by name."""
    if dtype is not None:
        raise RuntimeError("storage.type: expected no argument, but got one. Use float(), long() and so on.")
    return "torch.storage.UntypedStorage"


UntypedStorage.type = _type
UntypedStorage.new = UntypedStorage.new_like
UntypedStorage.untyped = lambda self: self
