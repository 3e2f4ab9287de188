"""What puts results into sparse tensors that are there already."""

import rustorch
from rustorch import _C
from rustorch._C import Tensor
from rustorch.sparse._create import compress


def same_layout(result, x):
    return result if x.is_sparse else compress(result, str(x.layout).removeprefix("torch."))


def check_unrecorded(name, *operands):
    if rustorch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        raise RuntimeError(
            f"{name}: expected tensors that require no grad beside a sparse one that changes in place, but got one that "
            f"does. Use {name.rstrip('_')}()."
        )


def put(x, result):
    """Puts the parts of a result in the place of those of `x`."""
    if not rustorch.can_cast(result.dtype, x.dtype):
        raise RuntimeError(
            f"result type {_name(result.dtype)} can't be cast to the desired output type {_name(x.dtype)}\n"
            f"  expected a result of dtype {x.dtype}, but got {result.dtype}. Convert the tensor first."
        )
    result = result.detach().to(x.dtype)
    _C._sparse_replace(x, same_layout(_C._sparse_to_coo(result), x))
    return x


def _name(dtype):
    return rustorch._legacy.type_name(dtype).removeprefix("torch.").removesuffix("Tensor")


def touched(x):
    """`x`, whose values were changed: counts the change."""
    _C._sparse_replace(x, x)
    return x
