"""Derivatives: `backward` and `grad`, functions with a derivative of their own, checks and helpers."""

import warnings

import rustorch
from rustorch import _C
from rustorch.autograd import graph as graph
from rustorch.autograd import variable as _variable_module
from rustorch.autograd.anomaly_mode import detect_anomaly as detect_anomaly
from rustorch.autograd.anomaly_mode import set_detect_anomaly as set_detect_anomaly
from rustorch.autograd.function import Function as Function
from rustorch.autograd.function import NestedIOFunction as NestedIOFunction
from rustorch.autograd.grad_mode import enable_grad as enable_grad
from rustorch.autograd.grad_mode import inference_mode as inference_mode
from rustorch.autograd.grad_mode import is_multithreading_enabled as is_multithreading_enabled
from rustorch.autograd.grad_mode import no_grad as no_grad
from rustorch.autograd.grad_mode import set_grad_enabled as set_grad_enabled
from rustorch.autograd.grad_mode import set_multithreading_enabled as set_multithreading_enabled
from rustorch.autograd.gradcheck import gradcheck as gradcheck
from rustorch.autograd.gradcheck import gradgradcheck as gradgradcheck

Variable = _variable_module.Variable

__all__ = [
    "Function",
    "NestedIOFunction",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
    "variable",
]


def __getattr__(name):
    if name in ("forward_ad", "functional"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def variable(*args, **kwargs):
    """Raise: the former constructor of tensors.

    Example:
        >>> try:
        ...     torch.autograd.variable(1)
        ... except RuntimeError as error:
        ...     print(error)
        torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead
    """
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")


variable.Variable = Variable


def _tuple_of(value):
    """Tensors, or edges, as a tuple."""
    return (value,) if _is_root(value) else tuple(value)


def _is_root(value):
    return isinstance(value, (rustorch.Tensor, graph.GradientEdge)) or hasattr(type(value), "__torch_function__")


def _inputs_tuple(inputs, caller):
    if type(inputs) is dict:
        inputs = tuple(inputs.values())
    elif _is_root(inputs):
        return (inputs,)
    elif not isinstance(inputs, (list, tuple)) and hasattr(inputs, "keys"):
        raise TypeError(
            f"`inputs` argument to `{caller}()` must be a dict, not {type(inputs).__name__}. "
            "Other Mapping types are not supported."
        )
    inputs = tuple(inputs)
    if not inputs:
        raise RuntimeError(f"`inputs` argument to `{caller}()` cannot be empty.")
    return inputs


def _overridden(*roots):
    """The arguments if one of them wants to handle the call itself, through `__torch_function__`."""
    plain = (rustorch.Tensor, rustorch.nn.Parameter, graph.GradientEdge)
    if all(type(r) in plain for r in roots):
        return None
    args = tuple(r for r in roots if not isinstance(r, graph.GradientEdge))
    return args if rustorch.overrides.has_torch_function(args) else None


def _batched_by_vmap(grads):
    """Those of the given gradients that stand for a batch of them: the vmap takes the pass over."""
    given = (grads,) if isinstance(grads, rustorch.Tensor) else grads or ()
    return [g for g in given if getattr(type(g), "_in_vmap", False)]


def _meta(out):
    """What an output, or an edge, is like: shape, dtype, and how to make ones like it."""
    if isinstance(out, graph.GradientEdge):
        meta = out.node._input_metadata[out.output_nr]
        return rustorch.Size(meta.shape), meta.dtype, meta.device
    return out.shape, out.dtype, out.device


def _make_grads(outputs, grads, batched):
    """The gradients to start from: given ones are checked, missing ones are 1 for scalars."""
    # Further gradients are left over, as in torch.
    if len(grads) < len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    made = []
    for i, (out, grad) in enumerate(zip(outputs, grads)):
        if not isinstance(out, (rustorch.Tensor, graph.GradientEdge)):
            raise AssertionError("Expected output to be a torch.Tensor")
        if grad is None:
            made.append(_implicit_grad(out))
            continue
        if not isinstance(grad, rustorch.Tensor):
            raise TypeError("gradients can be either Tensors or None, but got " + type(grad).__name__)
        shape, dtype, _ = _meta(out)
        grad_shape = grad.shape[1:] if batched else grad.shape
        if grad_shape != shape:
            start = "Mismatch in shape: "
            end = "."
            if batched:
                start = (
                    "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                    "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                    "output, but a mismatch was detected: "
                )
                end = ". If you only want some tensors in `grad_output` to be considered batched, consider using vmap."
            raise RuntimeError(
                f"{start}grad_output[{i}] has a shape of {grad_shape} and output[{i}] has a shape of {shape}{end}"
            )
        if dtype.is_complex != grad.dtype.is_complex:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                f"dtype: grad_output[{i}] has a dtype of {grad.dtype} and output[{i}] has a dtype of {dtype}."
            )
        made.append(grad)
    return tuple(made)


def _implicit_grad(out):
    if isinstance(out, rustorch.Tensor) and not out.requires_grad:
        return None
    shape, dtype, device = _meta(out)
    if shape.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if not dtype.is_floating_point:
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dtype}")
    if isinstance(out, rustorch.Tensor):
        return rustorch.ones_like(out, memory_format=rustorch.preserve_format)
    return rustorch.ones(shape, dtype=dtype, device=device)


def _given_grads(grads, count):
    if grads is None:
        return (None,) * count
    return (grads,) if isinstance(grads, rustorch.Tensor) else tuple(grads)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Add the gradients of `tensors` to the `.grad` of the leaves of their graph.

    Args:
        tensors (Tensor or sequence): what is differentiated.
        grad_tensors (Tensor or sequence, None): a gradient for each of them; 1 for scalars if None.
        retain_graph (bool, None): keep what the graph saved, for another pass; `create_graph` if None.
        create_graph (bool, False): record the pass itself, for derivatives of derivatives.
        inputs (Tensor, sequence or dict, None): add gradients to these only.
    Raises:  RuntimeError: if a tensor has no graph, lacks a needed entry of `grad_tensors`, or what its graph saved
            was freed or changed.
    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> torch.autograd.backward([x.sum(), x * x], [None, torch.tensor([1.0, 10.0])])
        >>> x.grad
        tensor([ 3., 41.])
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    targets = () if inputs is None else _inputs_tuple(inputs, "backward")
    tensors = _tuple_of(tensors)
    if args := _overridden(*tensors, *targets):
        return rustorch.overrides.handle_torch_function(
            backward,
            args,
            tensors,
            grad_tensors=grad_tensors,
            retain_graph=retain_graph,
            create_graph=create_graph,
            inputs=None if inputs is None else targets,
        )
    grads = _make_grads(tensors, _given_grads(grad_tensors, len(tensors)), False)
    if retain_graph is None:
        retain_graph = create_graph
    if create_graph:
        _warn_of_cycle()
    _C._run_backward(tensors, grads, retain_graph, create_graph, targets, True, True)
    return None


_warned_of_cycle = False


def _warn_of_cycle():
    """Say once that a leaf whose `.grad` has a graph is kept alive by that graph."""
    global _warned_of_cycle
    if not _warned_of_cycle:
        _warned_of_cycle = True
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid "
            "this. If you have to use this function, make sure to reset the .grad fields of your parameters to None "
            "after use to break the cycle and avoid the leak.",
            stacklevel=3,
        )


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of the sum of `outputs` with respect to `inputs`; no `.grad` is touched.

    Args:
        outputs (Tensor or sequence): what is differentiated.
        inputs (Tensor, sequence or dict): with respect to what.
        grad_outputs (Tensor or sequence, None): a gradient for each output; 1 for scalars if None.
        retain_graph (bool, None): keep what the graph saved, for another pass; `create_graph` if None.
        create_graph (bool, False): record the pass itself, for derivatives of derivatives.
        allow_unused (bool, None): None instead of an error for inputs outside the graph; `materialize_grads` if None.
        is_grads_batched (bool, False): the first dim of each of `grad_outputs` counts independent passes.
        materialize_grads (bool, False): zeros instead of None.
    Returns: a tuple, or for a dict of inputs a dict, of gradients.
    Raises:  RuntimeError: if an output has no graph, or does not depend on an input and not `allow_unused`.
    Example:
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> (dx,) = torch.autograd.grad(x**3, x, create_graph=True)
        >>> (ddx,) = torch.autograd.grad(dx, x)
        >>> dx.item(), ddx.item()
        (12.0, 12.0)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    outputs = _tuple_of(outputs)
    targets = _inputs_tuple(inputs, "grad")
    keys = inputs.keys() if type(inputs) is dict else None
    if args := _overridden(*outputs, *targets, *_batched_by_vmap(grad_outputs)):
        result = rustorch.overrides.handle_torch_function(
            grad,
            args,
            outputs,
            targets,
            grad_outputs=grad_outputs,
            retain_graph=retain_graph,
            create_graph=create_graph,
            only_inputs=only_inputs,
            allow_unused=allow_unused,
            is_grads_batched=is_grads_batched,
            materialize_grads=materialize_grads,
        )
        return dict(zip(keys, result)) if keys is not None else result
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    grads = _make_grads(outputs, _given_grads(grad_outputs, len(outputs)), is_grads_batched)
    if retain_graph is None:
        retain_graph = create_graph
    if is_grads_batched:
        result = _batched(outputs, grads, retain_graph, create_graph, targets, allow_unused)
    else:
        result = _C._run_backward(outputs, grads, retain_graph, create_graph, targets, allow_unused, False)
    if materialize_grads:
        if any(r is None and isinstance(t, graph.GradientEdge) for r, t in zip(result, targets)):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        result = tuple(
            rustorch.zeros_like(t, requires_grad=create_graph) if r is None else r for r, t in zip(result, targets)
        )
    return dict(zip(keys, result)) if keys is not None else result


def _batched(outputs, grads, retain_graph, create_graph, targets, allow_unused):
    """One pass for each entry of the first dim of `grads`; the results are stacked."""
    if any(g is not None and g.ndim == 0 for g in grads):
        raise ValueError(
            "vmap(vjp, in_dims=0, ...)(<inputs>): Got in_dim=0 for some input, but that input is a Tensor of "
            "dimensionality 0 so expected in_dim to satisfy 0 <= in_dim < 0.\n"
            "  grad: expected gradients with a leading batch dim, but got a 0-d tensor. Stack them."
        )
    passes = len(next(g for g in grads if g is not None))
    rows = []
    for i in range(passes):
        start = tuple(None if g is None else g[i] for g in grads)
        keep = retain_graph or i < passes - 1
        rows.append(_C._run_backward(outputs, start, keep, create_graph, targets, allow_unused, False))
    return tuple(None if column[0] is None else rustorch.stack(column) for column in zip(*rows))


def _is_checkpoint_valid():
    """Whether the pass that is running adds to `.grad` of all leaves, as reentrant checkpoints need."""
    return _C._is_checkpoint_valid()
