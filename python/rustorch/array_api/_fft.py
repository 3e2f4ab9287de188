"""The Fourier transform extension of the array API standard, over `rustorch.fft`."""

import rustorch

__all__ = [
    *("fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft"),
    *("rfftfreq", "rfftn"),
]

# `rustorch.fft` is read at the call: this module can be imported before it.


def fft(x, /, *, n=None, axis=-1, norm="backward"):
    """The transform along an axis, cut or padded to `n`."""
    return rustorch.fft.fft(x, n=n, dim=axis, norm=norm)


def ifft(x, /, *, n=None, axis=-1, norm="backward"):
    """The inverse of `fft`."""
    return rustorch.fft.ifft(x, n=n, dim=axis, norm=norm)


def fftn(x, /, *, s=None, axes=None, norm="backward"):
    """The transform over several axes, cut or padded to `s`."""
    return rustorch.fft.fftn(x, s=s, dim=axes, norm=norm)


def ifftn(x, /, *, s=None, axes=None, norm="backward"):
    """The inverse of `fftn`."""
    return rustorch.fft.ifftn(x, s=s, dim=axes, norm=norm)


def rfft(x, /, *, n=None, axis=-1, norm="backward"):
    """The half of the transform of a real array that determines the rest."""
    return rustorch.fft.rfft(x, n=n, dim=axis, norm=norm)


def irfft(x, /, *, n=None, axis=-1, norm="backward"):
    """The inverse of `rfft`: a real array, by default of 2 * (m - 1) elements."""
    return rustorch.fft.irfft(x, n=n, dim=axis, norm=norm)


def rfftn(x, /, *, s=None, axes=None, norm="backward"):
    """The transform of a real array over several axes, halved along the last of them."""
    return rustorch.fft.rfftn(x, s=s, dim=axes, norm=norm)


def irfftn(x, /, *, s=None, axes=None, norm="backward"):
    """The inverse of `rfftn`: a real array."""
    return rustorch.fft.irfftn(x, s=s, dim=axes, norm=norm)


def hfft(x, /, *, n=None, axis=-1, norm="backward"):
    """The real transform of an array with Hermitian symmetry, given by its half."""
    return rustorch.fft.hfft(x, n=n, dim=axis, norm=norm)


def ihfft(x, /, *, n=None, axis=-1, norm="backward"):
    """The inverse of `hfft`."""
    return rustorch.fft.ihfft(x, n=n, dim=axis, norm=norm)


def fftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of `fft` of `n` samples at distance `d`."""
    return rustorch.fft.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n, /, *, d=1.0, dtype=None, device=None):
    """The frequencies of `rfft` of `n` samples at distance `d`."""
    return rustorch.fft.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x, /, *, axes=None):
    """`x` rolled so that frequency 0 comes to the middle."""
    return rustorch.fft.fftshift(x, dim=axes)


def ifftshift(x, /, *, axes=None):
    """The inverse of `fftshift`."""
    return rustorch.fft.ifftshift(x, dim=axes)
