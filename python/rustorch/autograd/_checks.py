"""Comparing derivatives with differences of function values: the work of `gradcheck`.

Slow mode compares whole Jacobians. Fast mode compares v^T J u for random unit vectors u and v: one pair of function
values per input and one backward pass per output.

A derivative with respect to a complex input x + iy is kept as d/dx + i d/dy, as `backward` returns it. Functions with
complex outputs are checked twice, for the real and for the imaginary part of the outputs.
"""

import warnings

import rustorch
from rustorch.autograd._differences import (
    as_tuple,
    dense_directions,
    densify,
    differentiable,
    directions,
    is_inexact,
    is_strided,
    numerical_direction,
    numerical_jacobians,
    random_unit,
    stored,
    varied,
)
from rustorch.autograd._zero_checks import check_undefined, check_zero_grad
from rustorch.autograd.gradcheck import GradcheckError


class Settings:
    """The arguments of one check."""

    def __init__(self, eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode, masked):
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.nondet_tol, self.check_grad_dtypes = nondet_tol, check_grad_dtypes
        self.fast_mode, self.masked = fast_mode, masked


def check(func, inputs, settings, *, undefined, batched, batched_forward, forward, backward):
    """Make the checks of `gradcheck` that are asked for."""
    inputs = as_tuple(inputs)
    _check_inputs(inputs)
    outputs = differentiable(func(*inputs))
    _check_outputs(outputs)
    if backward:
        _check_backward(func, inputs, settings)
    if forward:
        _check_forward(func, inputs, settings, undefined)
    if batched_forward:
        _check_batched_forward(func, inputs)
    if not backward:
        return
    if batched:
        for i, output in enumerate(outputs):
            _check_batched(inputs, output, i)
    check_zero_grad(outputs, inputs, settings.masked)
    if undefined:
        check_undefined(func, inputs)


# ---- arguments


def _check_inputs(inputs):
    places = varied(inputs)
    for i in places:
        if inputs[i].dtype not in (rustorch.float64, rustorch.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        content = stored(inputs[i])
        if any(stride == 0 and size > 1 for stride, size in zip(content.stride(), content.size())):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
    if not places:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )


def _check_outputs(outputs):
    if any(not is_strided(o) for o in outputs):
        raise ValueError(
            "Sparse output is not supported at gradcheck yet. "
            "Please call to_dense(masked_grad=...) on the output of fn for gradcheck."
        )


# ---- derivatives


def _pass(output, targets, grad):
    return rustorch.autograd.grad(output, targets, grad, retain_graph=True, allow_unused=True)


def _columns(output, targets, starts):
    """Gradients for each start as matrices (elements of the input, starts), and whether sizes and dtypes fit."""
    sizes_fit = dtypes_fit = True
    matrices = [t.new_zeros((t.numel(), len(starts)), layout=rustorch.strided) for t in targets]
    for k, start in enumerate(starts):
        for t, matrix, grad in zip(targets, matrices, _pass(output, targets, start)):
            if grad is None:
                continue
            sizes_fit &= grad.size() == t.size()
            dtypes_fit &= grad.dtype == t.dtype
            dense = grad if is_strided(grad) else grad.to_dense()
            if dense.numel() != t.numel():
                raise GradcheckError("Analytical gradient has incorrect size")
            matrix[:, k] = dense.reshape(-1)
    return matrices, sizes_fit, dtypes_fit


def _unit_starts(output):
    starts = []
    for k in range(output.numel()):
        start = rustorch.zeros_like(output, memory_format=rustorch.contiguous_format)
        start.view(-1)[k] = 1
        starts.append(start)
    return starts


def _analytical(output, inputs, starts, settings):
    """What `_columns` gives, after the checks on one output."""
    targets = [inputs[i] for i in varied(inputs)]
    first, sizes_fit, dtypes_fit = _columns(output, targets, starts)
    second, _, _ = _columns(output, targets, starts)
    if not dtypes_fit and settings.check_grad_dtypes:
        raise GradcheckError("Gradient has dtype mismatch")
    if not sizes_fit:
        raise GradcheckError("Analytical gradient has incorrect size")
    for a, b in zip(first, second):
        if a.numel() and (a - b).abs().max() > settings.nondet_tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {settings.nondet_tol}.\n\n"
                "NOTE: If the operation is not deterministic, this failure might be expected: pass `nondet_tol=<tol>`."
            )
    return first


def _close(a, b, rtol, atol):
    dtype = rustorch.promote_types(a.dtype, b.dtype)
    return rustorch.allclose(a.to(dtype), b.to(device=a.device, dtype=dtype), rtol, atol)


def _mismatch(analytical, numerical, output, input, part, forward):
    which = "inputs" if forward else "outputs"
    prefix = f"While considering the {part} part of complex {which} only, " if part else ""
    mode = "computed with forward mode " if forward else ""
    return (
        f"{prefix}Jacobian {mode}mismatch for output {output:d} with respect to input {input:d},\n"
        f"numerical:{numerical}\nanalytical:{analytical}\n"
    )


# ---- backward mode


def _check_backward(func, inputs, settings):
    if not any(o.is_complex() for o in as_tuple(func(*inputs))):
        return _compare_backward(func, inputs, settings, None)
    for part, take in (("imaginary", rustorch.imag), ("real", rustorch.real)):

        def real_valued(*args, take=take):
            return tuple(take(o) if o.is_complex() else o for o in as_tuple(func(*args)))

        _compare_backward(real_valued, inputs, settings, part)


def _compare_backward(func, inputs, settings, part):
    all_outputs = as_tuple(func(*inputs))
    outputs = differentiable(all_outputs)
    variants = inputs if settings.masked else tuple(map(densify, inputs))
    if settings.fast_mode:
        return _compare_fast(func, inputs, variants, all_outputs, settings, part)
    numerical = numerical_jacobians(func, variants, settings.eps)
    if not outputs:
        if any((m != 0).any() for row in numerical for m in row):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return None
    wanted = [k for k, o in enumerate(o for o in all_outputs if is_inexact(o)) if o.requires_grad]
    for i, (k, output) in enumerate(zip(wanted, outputs)):
        for j, a in enumerate(_analytical(output, inputs, _unit_starts(output), settings)):
            n = numerical[j][k]
            if not _close(a, n, settings.rtol, settings.atol):
                raise GradcheckError(_mismatch(a, n, i, j, part, False))
    return None


def _fast_tolerance(atol, us, v):
    # A deviation of atol in every element of J shows as atol * sum(u) * sum(v) in v^T J u.
    scale = sum(float(u.sum()) for u in us)
    return atol * scale * (1.0 if v is None else float(v.sum()))


def _compare_fast(func, inputs, variants, all_outputs, settings, part):
    generator = rustorch.Generator()
    outputs = differentiable(all_outputs)
    places = varied(inputs)
    us = [directions(variants[i], generator) for i in places]
    vs = [random_unit(o.numel(), o.dtype, generator) for o in outputs]
    derivatives = [numerical_direction(func, variants, i, u, settings.eps) for i, u in zip(places, us)]
    if not outputs:
        if any(d.numel() and d.abs().max() > settings.nondet_tol for row in derivatives for d in row):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    wanted = [k for k, o in enumerate(o for o in all_outputs if is_inexact(o)) if o.requires_grad]
    for i, (k, output, v) in enumerate(zip(wanted, outputs, vs)):
        rows = _analytical(output, inputs, [v.reshape(output.shape)], settings)
        for j, row in enumerate(rows):
            n = (v * derivatives[j][k]).sum()
            row = row[:, 0]
            flat = dense_directions(variants[places[j]], us[j])
            if row.is_complex():
                a = row.real.dot(flat[0]) + 1j * row.imag.dot(flat[1])
            else:
                a = row.dot(flat[0])
            if not _close(a, n, settings.rtol, _fast_tolerance(settings.atol, us[j], v)):
                text = _mismatch(a, n, i, j, part, False)
                raise GradcheckError(text + _slow_report(func, inputs, variants, settings, i, j, k))


_SLOW_OK = (
    "\nFast gradcheck failed but element-wise differences are small. This means that the\n"
    "test might've passed in slow_mode!\n\nPass `fast_mode=False` to gradcheck or gradgradcheck to make sure."
)


def _slow_report(func, inputs, variants, settings, i, j, k):
    """The whole Jacobians behind a mismatch of fast mode, for the error text."""
    numerical = numerical_jacobians(func, variants, settings.eps)[j][k]
    output = differentiable(func(*inputs))[i]
    analytical = _analytical(output, inputs, _unit_starts(output), settings)[j]
    return _report(numerical, analytical, settings)


def _report(numerical, analytical, settings):
    largest = (numerical - analytical).abs().max()
    text = (
        "\nThe above quantities relating the numerical and analytical jacobians are computed \nin fast mode. Below, "
        f"we recompute numerical and analytical jacobians in slow mode:\n\nNumerical:\n {numerical}\n"
        f"Analytical:\n{analytical}\n\nThe max per-element difference (slow mode) is: {largest}.\n"
    )
    return text + (_SLOW_OK if _close(analytical, numerical, settings.rtol, settings.atol) else "")


# ---- forward mode


def _check_forward(func, inputs, settings, check_undefined):
    complex_places = [i for i, t in enumerate(inputs) if isinstance(t, rustorch.Tensor) and t.is_complex()]
    if not complex_places:
        _compare_forward(func, inputs, settings, None)
        if check_undefined:
            _check_missing_tangents(func, inputs)
        return
    for part in ("imaginary", "real"):
        fixed = [t.detach() if i in complex_places else t for i, t in enumerate(inputs)]

        def of_part(*args, part=part, fixed=fixed):
            args = list(args)
            for i in complex_places:
                if part == "real":
                    args[i] = args[i] + fixed[i].imag * 1j
                else:
                    args[i] = fixed[i].real + args[i] * 1j
            return func(*args)

        real_inputs = tuple(
            (t.detach().real if part == "real" else t.detach().imag).clone().requires_grad_(t.requires_grad)
            if i in complex_places
            else t
            for i, t in enumerate(inputs)
        )
        _compare_forward(of_part, real_inputs, settings, part)
        if check_undefined:
            _check_missing_tangents(of_part, real_inputs)


def _tangents(func, inputs, i, tangent):
    """Tangents of the outputs (None: zero) for a tangent of input `i`."""
    from rustorch.autograd import forward_ad as fw

    with fw.dual_level():
        args = []
        for k, t in enumerate(inputs):
            if isinstance(t, rustorch.Tensor) and t.requires_grad:
                t = t.detach()
                t = fw.make_dual(t, tangent.view_as(t) if k == i else rustorch.zeros_like(t))
            args.append(t)
        results = []
        for o in as_tuple(func(*args)):
            if is_inexact(o):
                value, out = fw.unpack_dual(o)
                results.append((value, None if out is None else out.clone()))
    return results


def _forward_rows(func, inputs, i, tangents, settings):
    """For each output the matrix (tangents, elements of the output)."""
    rows = []
    for tangent in tangents:
        row = []
        for value, out in _tangents(func, inputs, i, tangent):
            if settings.check_grad_dtypes and out is not None and value.is_complex() != out.is_complex():
                raise GradcheckError("Forward AD gradient has dtype mismatch.")
            row.append(value.new_zeros(value.numel()) if out is None else out.reshape(-1))
        rows.append(row)
    return [rustorch.stack(column) for column in zip(*rows)]


def _compare_forward(func, inputs, settings, part):
    generator = rustorch.Generator()
    slow = None if settings.fast_mode else numerical_jacobians(func, inputs, settings.eps)
    for j, i in enumerate(varied(inputs)):
        t = inputs[i]
        if settings.fast_mode:
            us = directions(t, generator)
            tangents = [us[0]]
            numerical = [d.unsqueeze(0) for d in numerical_direction(func, inputs, i, us, settings.eps)]
            atol = _fast_tolerance(settings.atol, us, None)
        else:
            tangents = rustorch.eye(t.numel(), dtype=t.dtype, device=t.device).unbind(0)
            numerical, atol = slow[j], settings.atol
        if not tangents:
            continue
        analytical = _forward_rows(func, inputs, i, tangents, settings)
        for k, (a, n) in enumerate(zip(analytical, numerical)):
            if not _close(a, n, settings.rtol, atol):
                raise GradcheckError(_mismatch(a, n, k, j, part, True))


def _check_missing_tangents(func, inputs):
    """An input without a tangent must count as one with a tangent of zeros."""
    from rustorch.autograd import forward_ad as fw

    places = varied(inputs)
    generator = rustorch.Generator()
    with fw.dual_level():
        duals = list(inputs)
        for i in places:
            tangent = directions(inputs[i], generator)[0].view_as(inputs[i]).to(inputs[i].dtype)
            duals[i] = fw.make_dual(inputs[i].detach(), tangent)
        for i in places:
            plain = inputs[i].detach()
            zero = fw.make_dual(inputs[i].detach(), rustorch.zeros_like(plain))
            pairs = [
                [fw.unpack_dual(o)[1] for o in as_tuple(func(*duals[:i], t, *duals[i + 1 :])) if is_inexact(o)]
                for t in (zero, plain)
            ]
            for k, (a, b) in enumerate(zip(*pairs)):
                if a is not None and b is not None and not rustorch.allclose(a, b):
                    raise GradcheckError(
                        f"Mismatch in tangent values for output with index: {k} when input: {inputs[i]} has an "
                        f"undefined tangent value.  Got: {a} but expected: {b}"
                    )


# ---- further checks


def _compare_batched(function, starts, describe):
    expected = [rustorch.stack(shards) for shards in zip(*map(function, starts))]
    try:
        result = rustorch.vmap(function)(rustorch.stack(starts))
    except RuntimeError as error:
        raise GradcheckError(f"While computing batched gradients, got: {error}") from error
    for i, (got, wanted) in enumerate(zip(result, expected)):
        if not rustorch.allclose(got, wanted):
            raise GradcheckError(f"{describe(i)}\n\nGot:\n{got}\n\nExpected:\n{wanted}")


def _check_batched(inputs, output, number):
    """A backward pass under vmap must give what several passes give."""
    targets = [inputs[i] for i in varied(inputs)]

    def backward(start):
        grads = _pass(output, targets, start)
        return tuple(
            rustorch.zeros([], dtype=t.dtype, device=t.device).expand(t.shape) if g is None else g
            for g, t in zip(grads, targets)
        )

    starts = [rustorch.randn_like(output) for _ in range(2)]
    _compare_batched(
        backward,
        starts,
        lambda i: (
            f"For output {number} and input {i}:\n\ngradcheck or gradgradcheck failed while testing batched gradient "
            "computation. Pass `check_batched_grad=False` to leave this test out."
        ),
    )


def _check_batched_forward(func, inputs):
    """Forward mode under vmap must give what several runs give."""
    for i in varied(inputs):
        if not is_inexact(inputs[i]):
            continue

        def tangents(start, i=i):
            return tuple(
                rustorch.zeros([], dtype=v.dtype, device=v.device).expand(v.shape) if out is None else out
                for v, out in _tangents(func, inputs, i, start)
            )

        starts = [rustorch.randn_like(inputs[i]) for _ in range(2)]
        _compare_batched(
            tangents,
            starts,
            lambda k, i=i: (
                f"For output {k} and input {i}:\n\ngradcheck failed while testing batched gradient computation with "
                "forward-mode AD. Pass `check_batched_forward_grad=False` to leave this test out."
            ),
        )
