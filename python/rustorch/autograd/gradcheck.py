"""Checks of derivatives. What makes them is loaded at the first check: programs that train never need it."""

import rustorch

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

_OLD = ("get_analytical_jacobian", "get_numerical_jacobian")


class GradcheckError(RuntimeError):
    """A derivative and the differences disagree, or the derivative has another fault."""


def __getattr__(name):
    if name in _OLD:
        from rustorch.autograd import _old_gradcheck

        return getattr(_old_gradcheck, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Check the first derivatives of `func` against central differences.

    Args:
        func (callable): tensors -> a tensor or a tuple of tensors.
        inputs (Tensor or tuple): where; those that require gradients should be float64 or complex128.
        eps (float, 1e-6): step of the differences.
        atol, rtol (float, 1e-5, 1e-3): tolerances of the comparison.
        raise_exception (bool, True): raise an error that describes the fault, or return False.
        nondet_tol (float, 0.0): largest difference between two runs of the same backward pass.
        check_undefined_grad (bool, True): also with gradients that are missing.
        check_grad_dtypes (bool, False): gradients must have the dtype of their input.
        check_batched_grad (bool, False): also with vmap over backward passes.
        check_batched_forward_grad (bool, False): also with vmap over forward mode.
        check_forward_ad (bool, False): check forward mode.
        check_backward_ad (bool, True): check backward mode.
        fast_mode (bool, False): compare random projections instead of whole Jacobians.
        masked (bool, None): of sparse inputs, vary the stored elements only.
    Returns: True.
    Raises: GradcheckError: on a fault; ValueError: if no input requires a gradient.
    Example:
        >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(torch.log, (x,))
        True
        >>> torch.autograd.gradcheck(lambda x: x.detach() * x, (x,), raise_exception=False)
        False
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    from rustorch.autograd import _checks

    try:
        _checks.check(
            func,
            inputs,
            _checks.Settings(eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode, masked),
            undefined=check_undefined_grad,
            batched=check_batched_grad,
            batched_forward=check_batched_forward_grad,
            forward=check_forward_ad,
            backward=check_backward_ad,
        )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """Check the second derivatives of `func`: the first derivatives of its backward pass.

    Args: as `gradcheck`, and
        grad_outputs (Tensor or tuple, None): gradients of the outputs; random ones if None.
        gen_non_contig_grad_outputs (bool, False): make the random ones non-contiguous.
        check_fwd_over_rev, check_rev_over_rev (bool, False, True): the mode of the second derivative.
    Example:
        >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradgradcheck(torch.sin, (x,))
        True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_undefined_grad=True requires check_rev_over_rev to be True")
    if check_batched_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_batched_grad=True requires check_rev_over_rev to be True")
    from rustorch.autograd._differences import as_tuple, differentiable, is_inexact

    inputs = as_tuple(inputs)
    if grad_outputs is None:
        grad_outputs = tuple(
            rustorch.testing.make_tensor(
                o.shape,
                dtype=o.dtype if is_inexact(o) else rustorch.double,
                device=o.device,
                low=-1,
                high=1,
                requires_grad=True,
                noncontiguous=gen_non_contig_grad_outputs,
            )
            for o in differentiable(func(*inputs))
        )
    else:
        grad_outputs = as_tuple(grad_outputs)
    count = len(inputs)
    vary = [isinstance(t, rustorch.Tensor) and t.requires_grad for t in inputs + grad_outputs]

    def backward(*args):
        args = tuple(t.requires_grad_() if varies else t for t, varies in zip(args, vary))
        outputs = differentiable(func(*args[:count]))
        targets = tuple(t for t, varies in zip(args[:count], vary) if varies)
        grads = rustorch.autograd.grad(outputs, targets, args[count:], create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    return gradcheck(
        backward,
        inputs + grad_outputs,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )
