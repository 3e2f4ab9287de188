"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

import rustorch

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_USER_OUTPUTS = "outputs of the user-provided function"


def _as_tuple(value, name, caller):
    """Whether `value` is a tuple, and `value` as one."""
    if isinstance(value, tuple):
        for i, member in enumerate(value):
            if not isinstance(member, rustorch.Tensor):
                raise TypeError(
                    f"The {name} given to {caller} must be either a Tensor or a tuple of Tensors but the value at "
                    f"index {i} has type {type(member)}."
                )
        return True, value
    if not isinstance(value, rustorch.Tensor):
        raise TypeError(
            f"The {name} given to {caller} must be either a Tensor or a tuple of Tensors but the given {name} has "
            f"type {type(value)}."
        )
    return False, (value,)


def _prepare(inputs, create_graph, need_graph):
    """Copies of the handles: with a graph back to the originals if the result is to have one, else cut off."""
    return tuple(
        (t.clone() if t.is_sparse else t.view_as(t))
        if create_graph and t.requires_grad
        else t.detach().requires_grad_(need_graph)
        for t in inputs
    )


def _finish(values, create_graph, is_tuple):
    if not create_graph:
        values = tuple(v.detach() for v in values)
    return values if is_tuple else values[0]


def _check_vector(v, refs, is_tuple):
    if len(v) != len(refs):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(refs)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (mine, ref) in enumerate(zip(v, refs)):
        if mine.size() != ref.size():
            entry = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {ref.size()} but got {mine.size()}.")


_INDEPENDENT = {
    "outputs": (
        "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
        "differentiable manner from the input when running in strict mode."
    ),
    "grad_inputs": (
        "The gradient with respect to input {} is independent of the inputs of the user-provided function. This is "
        "not allowed in strict mode."
    ),
    "jacobian": (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input {} "
        "is independent of the input. This is not allowed in strict mode. You should ensure that your function is "
        "twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function "
        "for example)."
    ),
    "hessian": (
        "The hessian of the user-provided function with respect to input {} is independent of the input. This is not "
        "allowed in strict mode. You should ensure that your function is thrice differentiable and that the hessian "
        "depends on the inputs."
    ),
}


def _check_depends(values, kind, strict):
    """In strict mode, every value must still have a graph."""
    if not strict:
        return
    for i, value in enumerate(values):
        if value is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode."
            )
        if not value.requires_grad:
            raise RuntimeError(_INDEPENDENT[kind].format(i))


def _grad(outputs, inputs, grad_outputs=None, create_graph=False, retain_graph=None):
    """`autograd.grad` over the outputs that have a graph; None for what does not depend on them."""
    given = grad_outputs or (None,) * len(outputs)
    pairs = [(o, g) for o, g in zip(outputs, given) if o is not None and o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    outputs, grad_outputs = zip(*pairs)
    return rustorch.autograd.grad(
        outputs, inputs, grad_outputs, allow_unused=True, create_graph=create_graph, retain_graph=retain_graph
    )


_MISSING = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "back_trick": (
        "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double "
        "backward trick to compute forward mode gradients. This is not allowed in strict mode."
    ),
    "double_back": (
        "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode."
    ),
    "double_back_trick": (
        "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. This is not "
        "allowed in strict mode as it prevents from using the double backward trick to replace forward mode AD."
    ),
}


def _fill(grads, refs, strict, create_graph, stage):
    """Zeros for gradients that are None; errors instead in strict mode."""
    filled = []
    for i, (grad, ref) in enumerate(zip(grads, refs)):
        if grad is None:
            if strict:
                raise RuntimeError(_MISSING[stage].format(i))
            grad = rustorch.zeros_like(ref)
        elif strict and create_graph and not grad.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode when create_graph=True."
            )
        filled.append(grad)
    return tuple(filled)


def _start(func, inputs, caller, create_graph, strict):
    """Inputs with a fresh graph, and the outputs on them."""
    is_tuple, inputs = _as_tuple(inputs, "inputs", caller)
    inputs = _prepare(inputs, create_graph, True)
    outs_tuple, outputs = _as_tuple(func(*inputs), _USER_OUTPUTS, caller)
    _check_depends(outputs, "outputs", strict)
    return is_tuple, inputs, outs_tuple, outputs


def _vector(v, refs, is_tuple, caller, create_graph, what):
    """The checked vector; None stands for 1 if there is a single element."""
    if v is not None:
        _, v = _as_tuple(v, "v", caller)
        v = _prepare(v, create_graph, False)
        _check_vector(v, refs, is_tuple)
        return v
    if len(refs) != 1 or refs[0].nelement() != 1:
        raise RuntimeError(f"The vector v can only be None if {what} a single Tensor with a single element.")
    return None


_OF_INPUT = "the input to the user-provided function is"
_OF_OUTPUT = "the user-provided function returns"


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """Outputs of `func` at `inputs`, and the product of the vector `v` with its Jacobian.

    Args:
        func (callable): tensors -> a tensor or a tuple of tensors.
        inputs (Tensor or tuple): where.
        v (Tensor or tuple, None): of the shape of the outputs; 1 for a single element if None.
        create_graph (bool, False): let the results have a graph.
        strict (bool, False): an output that does not depend on an input is an error, not zero.
    Returns: (outputs, v^T J).
    Example:
        >>> value, (grad,) = torch.autograd.functional.vjp(torch.exp, (torch.zeros(2),), torch.tensor([1.0, 2.0]))
        >>> value, grad
        (tensor([1., 1.]), tensor([1., 2.]))
    """
    with rustorch.enable_grad():
        is_tuple, inputs, outs_tuple, outputs = _start(func, inputs, "vjp", create_graph, strict)
        v = _vector(v, outputs, outs_tuple, "vjp", create_graph, _OF_OUTPUT)
    with rustorch.set_grad_enabled(create_graph or rustorch.is_grad_enabled()):
        product = _fill(_grad(outputs, inputs, v, create_graph), inputs, strict, create_graph, "back")
    return _finish(outputs, create_graph, outs_tuple), _finish(product, create_graph, is_tuple)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """Outputs of `func` at `inputs`, and the product of its Jacobian with the vector `v`.

    Args: as `vjp`, with `v` of the shape of the inputs.
    Returns: (outputs, J v).
    Example:
        >>> torch.autograd.functional.jvp(lambda x: x**2, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
        (tensor([1., 4.]), tensor([2., 0.]))

    Note: two backward passes, as for `func.jvp`.
    """
    with rustorch.enable_grad():
        is_tuple, inputs, outs_tuple, outputs = _start(func, inputs, "jvp", create_graph, strict)
        v = _vector(v, inputs, is_tuple, "jvp", create_graph, _OF_INPUT)
        # J^T u is linear in u: its derivative along v is J v, whatever u is.
        u = tuple(rustorch.zeros_like(o, requires_grad=True) for o in outputs)
        grads = _grad(outputs, inputs, u, create_graph=True)
        _check_depends(grads, "grad_inputs", strict)
    with rustorch.set_grad_enabled(create_graph or rustorch.is_grad_enabled()):
        product = _fill(_grad(grads, u, v, create_graph), outputs, strict, create_graph, "back_trick")
    return _finish(outputs, create_graph, outs_tuple), _finish(product, create_graph, outs_tuple)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of `func` at `inputs`.

    Args:
        func (callable): tensors -> a tensor or a tuple of tensors.
        inputs (Tensor or tuple): where.
        create_graph (bool, False): let the result have a graph.
        strict (bool, False): an output that does not depend on an input is an error, not zero.
        vectorize (bool, False): allow all rows to be computed together.
        strategy (str, 'reverse-mode'): or 'forward-mode', which needs `vectorize`.
    Returns: for one output and one input a tensor of shape output.shape + input.shape; tuples over outputs, and in
        them over inputs, where these are tuples.
    Example:
        >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
                'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        return _jacobian_forward(func, inputs, strict, vectorize)
    if vectorize and strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    with rustorch.enable_grad():
        is_tuple, inputs, outs_tuple, outputs = _start(func, inputs, "jacobian", create_graph, strict)
        blocks = []
        for i, out in enumerate(outputs):
            flat = out.reshape(-1)
            rows = [_jacobian_row(flat[k], inputs, i, create_graph, strict) for k in range(out.nelement())]
            columns = list(zip(*rows)) if rows else [()] * len(inputs)
            blocks.append(
                tuple(
                    (rustorch.stack(column) if column else t.new_zeros(0)).view(out.size() + t.size())
                    for column, t in zip(columns, inputs)
                )
            )
        return _finish_blocks(blocks, create_graph, outs_tuple, is_tuple)


def _jacobian_row(element, inputs, number, create_graph, strict):
    row = []
    for j, (grad, t) in enumerate(zip(_grad((element,), inputs, None, create_graph, retain_graph=True), inputs)):
        if grad is None:
            if strict:
                raise RuntimeError(
                    f"Output {number} of the user-provided function is independent of input {j}. "
                    "This is not allowed in strict mode."
                )
            grad = rustorch.zeros_like(t)
        elif strict and create_graph and not grad.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {number}. "
                "This is not allowed in strict mode when create_graph=True."
            )
        row.append(grad)
    return row


def _finish_blocks(blocks, create_graph, outs_tuple, is_tuple):
    blocks = tuple(_finish(block, create_graph, is_tuple) for block in blocks)
    return blocks if outs_tuple else blocks[0]


def _jacobian_forward(func, inputs, strict, vectorize):
    """The Jacobian column by column, from the tangents of unit vectors."""
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported '
            'together (yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is"
            "only implemented for `vectorize=True`."
        )
    from rustorch.autograd import forward_ad as fw

    is_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
    columns = []  # for each input a list over its elements of tuples over the outputs
    outs_tuple, outputs = False, ()
    for j, t in enumerate(inputs):
        columns.append([])
        for k in range(t.numel()):
            unit = rustorch.zeros(t.numel(), dtype=t.dtype, device=t.device)
            unit[k] = 1
            with fw.dual_level():
                args = list(inputs)
                args[j] = fw.make_dual(t, unit.view_as(t))
                outs_tuple, outputs = _as_tuple(func(*args), _USER_OUTPUTS, "jacobian")
                duals = [fw.unpack_dual(o) for o in outputs]
                columns[j].append(tuple(rustorch.zeros_like(p) if tan is None else tan.clone() for p, tan in duals))
    blocks = [
        tuple(
            rustorch.stack([column[i] for column in columns[j]], -1).reshape(out.shape + t.shape)
            for j, t in enumerate(inputs)
        )
        for i, out in enumerate(outputs)
    ]
    return _finish_blocks(blocks, True, outs_tuple, is_tuple)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a scalar function at `inputs`.

    Args: as `jacobian`, for a function that returns a single element.
    Returns: for one input a tensor of shape input.shape + input.shape; for a tuple of inputs a tuple of tuples.
    Example:
        >>> torch.autograd.functional.hessian(lambda x: x.prod(), torch.tensor([2.0, 3.0]))
        tensor([[0., 1.],
                [1., 0.]])
    """
    is_tuple, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args):
        out = func(*args)
        outs_tuple, outputs = _as_tuple(out, _USER_OUTPUTS, "hessian")
        _check_depends(outputs, "outputs", strict)
        _check_scalar(outs_tuple, outputs, "hessian")
        return outputs[0].squeeze()

    def gradient(*args):
        if outer_jacobian_strategy == "forward-mode":
            args = tuple(t.requires_grad_(True) for t in args)
        jac = jacobian(scalar, args, create_graph=True)
        _check_depends(jac, "jacobian", strict)
        return jac

    result = jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return result if is_tuple else result[0][0]


def _check_scalar(outs_tuple, outputs, caller):
    if outs_tuple:
        raise RuntimeError(f"The function given to {caller} should return a single Tensor")
    if outputs[0].nelement() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {caller} should contain a single element")


def _scalar_gradient(func, inputs, v, caller, create_graph, strict):
    is_tuple, inputs, outs_tuple, outputs = _start(func, inputs, caller, create_graph, strict)
    v = _vector(v, inputs, is_tuple, caller, create_graph, _OF_INPUT)
    _check_scalar(outs_tuple, outputs, caller)
    jac = _grad(outputs, inputs, create_graph=True)
    _check_depends(jac, "jacobian", strict)
    return is_tuple, inputs, outputs, v, jac


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """The value of a scalar function at `inputs`, and the product of the vector `v` with its Hessian.

    Args: as `jvp`, for a function that returns a single element.
    Returns: (output, v^T H).
    Example:
        >>> torch.autograd.functional.vhp(lambda x: x.prod(), torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0]))
        (tensor(6.), tensor([0., 1.]))
    """
    with rustorch.enable_grad():
        is_tuple, inputs, outputs, v, jac = _scalar_gradient(func, inputs, v, "vhp", create_graph, strict)
    with rustorch.set_grad_enabled(create_graph or rustorch.is_grad_enabled()):
        product = _fill(_grad(jac, inputs, v, create_graph), inputs, strict, create_graph, "double_back")
    return _finish(outputs, create_graph, False), _finish(product, create_graph, is_tuple)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """The value of a scalar function at `inputs`, and the product of its Hessian with the vector `v`.

    Args: as `vhp`, whose result is the same for smooth functions, and cheaper.
    Returns: (output, H v).
    Example:
        >>> torch.autograd.functional.hvp(lambda x: x.prod(), torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0]))
        (tensor(6.), tensor([0., 1.]))
    """
    with rustorch.enable_grad():
        is_tuple, inputs, outputs, v, jac = _scalar_gradient(func, inputs, v, "hvp", create_graph, strict)
        u = tuple(rustorch.zeros_like(t, requires_grad=True) for t in inputs)
        double = _grad(jac, inputs, u, create_graph=True)
        _check_depends(jac, "hessian", strict)
    with rustorch.set_grad_enabled(create_graph or rustorch.is_grad_enabled()):
        product = _fill(_grad(double, u, v, create_graph), inputs, strict, create_graph, "double_back_trick")
    return _finish(outputs, create_graph, False), _finish(product, create_graph, is_tuple)
