"""Windows of the base language: `torch.hann_window` and its relatives."""

import math

import rustorch

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(name, length, periodic, dtype, device, requires_grad, formula):
    """`formula(n, steps)` of the points n = 0, 1, ..., `steps` from the first to the last of a symmetric window."""
    if not isinstance(length, int) or isinstance(length, bool):
        raise TypeError(f"{name}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}")
    dtype = rustorch.get_default_dtype() if dtype is None else dtype
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    with rustorch.no_grad():
        if length < 2:
            window = rustorch.ones(length, dtype=dtype, device=device)
        else:
            points = length + 1 if periodic else length
            window = formula(rustorch.arange(points, dtype=dtype, device=device), points - 1)
            window = window.narrow(0, 0, length) if periodic else window
    return window.requires_grad_() if requires_grad else window


def hann_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """`1/2 - 1/2 cos(2 pi n / steps)`, of shape (window_length,).

    Args: periodic (bool, True): leave out the last point of a symmetric window with one point more.
    Example:
        >>> import rustorch as torch
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _hamming("hann_window", window_length, periodic, 0.5, 0.5, **options)


def _hamming(name, window_length, periodic, alpha, beta, **options):
    def formula(n, steps):
        return n.mul_(2 * math.pi / steps).cos_().mul_(-beta).add_(alpha)

    return _window(name, window_length, periodic, formula=formula, **options)


def hamming_window(
    window_length,
    periodic=True,
    alpha=0.54,
    beta=0.46,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """`alpha - beta cos(2 pi n / steps)`, of shape (window_length,). `periodic` as in `hann_window`."""
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _hamming("hamming_window", window_length, periodic, alpha, beta, **options)


def bartlett_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """A triangle with 0 at both ends, of shape (window_length,). `periodic` as in `hann_window`."""

    def formula(n, steps):
        n.mul_(2 / steps)
        half = steps // 2 + 1
        n.narrow(0, half, n.numel() - half).mul_(-1).add_(2)
        return n

    return _window("bartlett_window", window_length, periodic, dtype, device, requires_grad, formula)


def blackman_window(
    window_length,
    periodic=True,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """`0.42 - 0.5 cos(2 pi n / steps) + 0.08 cos(4 pi n / steps)`, of shape (window_length,)."""

    def formula(n, steps):
        n.mul_(math.pi / steps)
        return n.mul(4).cos_().mul_(0.08) - n.mul(2).cos_().mul_(0.5) + 0.42

    return _window("blackman_window", window_length, periodic, dtype, device, requires_grad, formula)


def kaiser_window(
    window_length,
    periodic=True,
    beta=12.0,
    *,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """`i0(beta sqrt(1 - (2 n / steps - 1)^2)) / i0(beta)`, of shape (window_length,). `periodic` as in `hann_window`."""

    def formula(n, steps):
        inside = 1 - (2 * n / steps - 1) ** 2
        top = rustorch.tensor(float(beta), dtype=n.dtype, device=n.device)
        return (top * inside.sqrt()).i0() / top.i0()

    return _window("kaiser_window", window_length, periodic, dtype, device, requires_grad, formula)
