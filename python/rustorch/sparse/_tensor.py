"""The class of sparse tensors: what they answer themselves, and where their operations are looked up."""

import copy

import rustorch
from rustorch import _C
from rustorch._C import Tensor

_LAYOUTS = {name: getattr(rustorch, name) for name in ("sparse_coo", "sparse_csr", "sparse_csc")}
_KINDS = {"sparse_coo": "Sparse", "sparse_csr": "SparseCsr", "sparse_csc": "SparseCsc"}


class SparseTensor(Tensor):
    """A tensor of which only some elements are kept: coordinates and values (COO), or compressed rows (CSR, CSC).

    Sparse tensors are made by `torch.sparse_coo_tensor`, `torch.sparse_csr_tensor` and `Tensor.to_sparse`, and as the
    gradients of embeddings with `sparse=True`. Operations on them are listed in `rustorch.sparse`; others raise.
    """

    __module__ = "rustorch.sparse"

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return rustorch.sparse._rules.call(function, args, kwargs or {})

    # ---- what it is

    @property
    def layout(self):
        return _LAYOUTS[_C._sparse_parts(self)[0]]

    @property
    def device(self):
        return self._values().device

    is_sparse = property(lambda self: self.layout is rustorch.sparse_coo)
    is_sparse_csr = property(lambda self: self.layout is rustorch.sparse_csr)
    is_meta = property(lambda self: self._values().is_meta)
    is_cpu = property(lambda self: self._values().is_cpu)
    is_gpu = property(lambda self: self._values().is_gpu)
    is_cuda = property(lambda self: self._values().is_cuda)
    T = property(lambda self: self.t() if self.dim() <= 2 else self.permute(*reversed(range(self.dim()))))
    mT = property(lambda self: self.transpose(-2, -1))
    H = property(lambda self: self.t().conj())
    mH = property(lambda self: self.transpose(-2, -1).conj())

    @property
    def nbytes(self):
        raise RuntimeError(
            "nbytes is not defined for sparse tensors.  If you want the size of the constituent tensors, add the "
            "nbytes of the indices and values.  If you want the size of the  equivalent dense tensor, multiply numel() "
            "by element_size()"
        )

    def get_device(self):
        return self._values().get_device()

    def type(self, dtype=None, non_blocking=False, **kwargs):
        if dtype is not None:
            return self.to(rustorch.empty(0).type(dtype).dtype)
        return f"torch.sparse.{rustorch._legacy.type_name(self.dtype).removeprefix('torch.')}"

    def is_contiguous(self, *, memory_format=None):
        return False

    # ---- its memory, which it does not have

    def data_ptr(self):
        raise RuntimeError(
            "Cannot access data pointer of Tensor that doesn't have storage\n"
            "  data_ptr: expected a dense tensor, but got a sparse one. Use values().data_ptr()."
        )

    def untyped_storage(self):
        raise NotImplementedError(
            "Cannot access storage of SparseTensorImpl\n"
            "  untyped_storage: expected a dense tensor, but got a sparse one. Use values().untyped_storage()."
        )

    storage = _typed_storage = untyped_storage

    def numpy(self, *, force=False):
        raise TypeError(
            f"can't convert {_KINDS[str(self.layout)[6:]]} layout tensor to numpy. Use Tensor.to_dense() first."
        )

    def __array__(self, dtype=None, copy=None):
        return self.numpy()

    def tolist(self):
        return self.to_dense().tolist()

    def item(self):
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self.to_dense().item()

    def __bool__(self):
        if self.numel() != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    __hash__ = Tensor.__hash__

    def __getitem__(self, index):
        from rustorch.sparse._structure import getitem

        return getitem(self, index)

    def __setitem__(self, index, value):
        raise NotImplementedError(
            "__setitem__: expected a dense tensor, but got a sparse one. Make it dense with to_dense(), or build it again."
        )

    # ---- as text and bytes

    def __format__(self, spec):
        return object.__format__(self, spec)

    def __reduce_ex__(self, protocol):
        return _rebuild, (*_C._sparse_parts(self), tuple(self.shape), self.requires_grad, self.__dict__)

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
            )
        if id(self) not in memo:
            memo[id(self)] = new = self.detach().clone().requires_grad_(self.requires_grad)
            new.grad = copy.deepcopy(self.grad, memo)
            # Among them is the mark of a parameter.
            new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return memo[id(self)]


def _rebuild(layout, indices, plain, values, coalesced, size, requires_grad, attributes):
    made = _C._sparse_build(layout, indices, plain, values, size, coalesced).requires_grad_(requires_grad)
    made.__dict__.update(attributes)
    return made


def refuse(name, layout="Sparse"):
    """The error of an operation that sparse tensors do not have."""
    return NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the '{layout}CPU' backend.\n"
        f"  {name}: expected dense tensors, but got a sparse one. Use to_dense() first."
    )
