"""Window functions of M points. With `sym=False` the last point of M + 1 is left out, for use with Fourier transforms.

All of them take `dtype` (float32 or float64; by default the default dtype), `layout`, `device` and `requires_grad`, and
return a tensor of shape (M,).

Source: F. J. Harris 1978, "On the use of windows for harmonic analysis with the discrete Fourier transform".
"""

import math
from collections.abc import Iterable

import rustorch

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _prepare(name, M, dtype, layout):
    """The dtype, after the checks that all windows share."""
    dtype = dtype or rustorch.get_default_dtype()
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not rustorch.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (rustorch.float32, rustorch.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype


def _points(M, start, end, dtype, device, requires_grad):
    return rustorch.linspace(start, end, M, dtype=dtype, device=device, requires_grad=requires_grad)


def _steps(M, sym):
    """Steps from the first point of a full window to its last."""
    return M if not sym and M > 1 else M - 1


def exponential(
    M,
    *,
    center=None,
    tau=1.0,
    sym=True,
    dtype=None,
    layout=rustorch.strided,
    device=None,
    requires_grad=False,
):
    """`exp(-|n - center| / tau)`.

    Args:
        center (float, None): where the peak is, in points; the middle for None, as symmetric windows must have it.
        tau (float, 1.0): decay, in points.
    Example:
        >>> import rustorch as torch
        >>> torch.signal.windows.exponential(3)
        tensor([0.3679, 1.0000, 0.3679])
    """
    dtype = _prepare("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    center = _steps(M, sym) / 2 if center is None else center
    n = _points(M, -center / tau, (M - 1 - center) / tau, dtype, device, requires_grad)
    return rustorch.exp(-n.abs())


def cosine(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """Half a period of a sine, `sin(pi (n + 1/2) / M)`."""
    dtype = _prepare("cosine", M, dtype, layout)
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    step = math.pi / (_steps(M, sym) + 1)
    return rustorch.sin(_points(M, step / 2, (M - 0.5) * step, dtype, device, requires_grad))


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """A bell, `exp(-((n - middle) / std)^2 / 2)`.

    Args: std (float, 1.0): standard deviation, in points.
    """
    dtype = _prepare("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    start, scale = -_steps(M, sym) / 2, 1 / (std * math.sqrt(2))
    n = _points(M, start * scale, (start + M - 1) * scale, dtype, device, requires_grad)
    return rustorch.exp(-(n**2))


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`i0(beta sqrt(1 - (n / middle - 1)^2)) / i0(beta)`.

    Args: beta (float, 12.0): shape; 0 gives a rectangle.
    """
    dtype = _prepare("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return rustorch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    beta = rustorch.tensor(beta, dtype=dtype, device=device)
    start, step = -beta, 2.0 * beta / _steps(M, sym)
    end = rustorch.minimum(beta, start + (M - 1) * step)
    n = rustorch.linspace(start.item(), end.item(), M, dtype=dtype, device=device, requires_grad=requires_grad)
    return rustorch.i0(rustorch.sqrt(beta * beta - n * n)) / rustorch.i0(beta)


def hamming(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`0.54 - 0.46 cos(2 pi n / (M - 1))`."""
    options = {"sym": sym, "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return general_hamming(M, **options)


def hann(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`1/2 - 1/2 cos(2 pi n / (M - 1))`.

    Example:
        >>> import rustorch as torch
        >>> torch.signal.windows.hann(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    options = {"sym": sym, "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return general_hamming(M, alpha=0.5, **options)


def blackman(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))`."""
    dtype = _prepare("blackman", M, dtype, layout)
    options = {"sym": sym, "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return general_cosine(M, a=[0.42, 0.5, 0.08], **options)


def bartlett(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """A triangle with 0 at both ends, `1 - |2 n / (M - 1) - 1|`."""
    dtype = _prepare("bartlett", M, dtype, layout)
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return rustorch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    step = 2 / _steps(M, sym)
    return 1 - rustorch.abs(_points(M, -1, -1 + (M - 1) * step, dtype, device, requires_grad))


def general_cosine(M, *, a, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`a[0] - a[1] cos(2 pi n / (M - 1)) + a[2] cos(4 pi n / (M - 1)) - ...`.

    Args: a (iterable of float): coefficients.
    """
    dtype = _prepare("general_cosine", M, dtype, layout)
    if M == 0:
        return rustorch.empty((0,), dtype=dtype, device=device, requires_grad=requires_grad)
    if M == 1:
        return rustorch.ones((1,), dtype=dtype, device=device, requires_grad=requires_grad)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    step = 2 * math.pi / _steps(M, sym)
    n = _points(M, 0, (M - 1) * step, dtype, device, requires_grad)
    signed = [(-1) ** i * w for i, w in enumerate(a)]
    factors = rustorch.tensor(signed, device=device, dtype=dtype, requires_grad=requires_grad)
    orders = rustorch.arange(len(signed), dtype=dtype, device=device, requires_grad=requires_grad)
    return (factors.unsqueeze(-1) * rustorch.cos(orders.unsqueeze(-1) * n)).sum(0)


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """`alpha - (1 - alpha) cos(2 pi n / (M - 1))`."""
    options = {"sym": sym, "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return general_cosine(M, a=[alpha, 1.0 - alpha], **options)


def nuttall(M, *, sym=True, dtype=None, layout=rustorch.strided, device=None, requires_grad=False):
    """Nuttall's window of four terms with the least side lobes.

    Source: A. Nuttall 1981, "Some windows with very good sidelobe behavior".
    """
    options = {"sym": sym, "dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], **options)
