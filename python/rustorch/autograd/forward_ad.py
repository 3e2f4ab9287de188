"""Forward-mode derivatives: dual tensors, which carry a tangent along with their value.

A tangent is computed when it is asked for, by two backward passes: the first gives `J^T u` as a function of `u`, and the
derivative of that along `u`, weighted by the tangents of the inputs, is `J v`. So every operation with a second
derivative has a forward one, at the price of a recorded graph.

Source: https://j-towns.github.io/2017/06/12/A-new-trick.html
"""

from collections import namedtuple

import rustorch
from rustorch.autograd.grad_mode import _DecoratorContextManager

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))

_current_level = -1
# The dual tensors of the open level: (tensor, tangent, whether what it was made of required a gradient).
_duals = []


def enter_dual_level():
    """Open a level; returns its number.

    Example:
        >>> fwAD = torch.autograd.forward_ad
        >>> fwAD.enter_dual_level()
        0
        >>> fwAD.exit_dual_level()
    """
    global _current_level
    if _current_level >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _current_level += 1
    return _current_level


def exit_dual_level(*, level=None):
    """Close the innermost level: the tangents of its dual tensors are gone.

    Example:
        >>> fwAD = torch.autograd.forward_ad
        >>> level = fwAD.enter_dual_level()
        >>> fwAD.exit_dual_level(level=level)
    """
    global _current_level
    level = _current_level if level is None else level
    if level != _current_level:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _duals.clear()
    _current_level = level - 1


def _check_size(tensor, tangent):
    if tangent.shape != tensor.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )


def make_dual(tensor, tangent, *, level=None):
    """A view of `tensor` with `tangent`: operations on it compute the derivative along `tangent` as well.

    Example:
        >>> fwAD = torch.autograd.forward_ad
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(torch.tensor(2.0), torch.tensor(1.0))
        ...     print(fwAD.unpack_dual(x * x).tangent)
        tensor(4.)


    Note: operations must be recorded, so within `no_grad` results have no tangent.
    """
    level = _current_level if level is None else level
    if level < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    _check_size(tensor, tangent)
    if tangent.is_complex() and not tensor.is_complex():
        raise RuntimeError("Expected the tangent of a real tensor to be real. Use its real part.")
    with rustorch.enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    _duals.append((dual, tangent, tensor.requires_grad))
    return dual


def unpack_dual(tensor, *, level=None):
    """The value of a dual tensor and its tangent, which is None if it has none.

    Example:
        >>> fwAD = torch.autograd.forward_ad
        >>> with fwAD.dual_level():
        ...     fwAD.unpack_dual(torch.ones(1)).tangent is None
        True
    """
    level = _current_level if level is None else level
    if level < 0 or not _duals or not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    graph = any(recorded for _, _, recorded in _duals) or any(tangent.requires_grad for _, tangent, _ in _duals)
    primal = tensor if graph else tensor.detach()
    for dual, tangent, _ in _duals:
        if dual is tensor:
            return UnpackedDualTensor(primal, tangent)
    with rustorch.enable_grad():
        along = rustorch.zeros_like(tensor, requires_grad=True)
        inputs = [dual for dual, _, _ in _duals]
        grads = rustorch.autograd.grad(tensor, inputs, along, create_graph=True, allow_unused=True)
        pairs = [(g, tangent) for g, (_, tangent, _) in zip(grads, _duals, strict=True) if g is not None]
        if not pairs:
            return UnpackedDualTensor(primal, None)
        pairs = [(g, tangent.to(g.dtype)) for g, tangent in pairs if g.requires_grad]
        tangent = None
        if pairs:
            outputs, weights = zip(*pairs, strict=True)
            options = {"create_graph": graph, "retain_graph": True, "allow_unused": True}
            (tangent,) = rustorch.autograd.grad(outputs, along, weights, **options)
    return UnpackedDualTensor(primal, rustorch.zeros_like(tensor) if tangent is None else tangent)


class dual_level(_DecoratorContextManager):
    """A level for the length of a `with` block.

    Example:
        >>> with dual_level():
        ...     x = make_dual(torch.tensor(3.0), torch.tensor(1.0))
        ...     unpack_dual(x * x).tangent
        tensor(6.)
    """

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, exc_type, exc_value, traceback):
        exit_dual_level()
