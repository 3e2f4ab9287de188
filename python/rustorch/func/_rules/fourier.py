"""Fourier transforms: over the same dims of all samples at once."""

from rustorch.func._rules import rule
from rustorch.func._rules.reduce import along, shifted

along("fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft", place=1, default=-1)


def _numbers(x):
    return [x] if isinstance(x, int) else x


@rule("fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_hfft2 fft_ihfft2")
def planes(func, level, x, s=None, dim=(-2, -1), norm=None):
    return level.wrap(func(x._value, s, shifted(_numbers(dim), x.dim()), norm))


@rule("fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_hfftn fft_ihfftn")
def volumes(func, level, x, s=None, dim=None, norm=None):
    if dim is None:
        # As many of the last dims as there are sizes.
        count = x.dim() if s is None else len(_numbers(s))
        dim = range(x.dim() - count, x.dim())
    return level.wrap(func(x._value, s, shifted(_numbers(dim), x.dim()), norm))


@rule("fft_fftshift fft_ifftshift")
def shift(func, level, x, dim=None):
    return level.wrap(func(x._value, shifted(range(x.dim()) if dim is None else _numbers(dim), x.dim())))


@rule("_fft_c2c _fft_c2r _fft_r2c")
def raw(func, level, x, dim, *args, **kwargs):
    return level.wrap(func(x._value, shifted(dim, x.dim()), *args, **kwargs))


@rule("stft istft")
def pieces(func, level, x, *args, **kwargs):
    """They take one batch dim: it holds the samples, and a sample's own batch where it has one."""
    window = kwargs.get("window", args[3] if len(args) > 3 else None)
    if window is not None and level.has(window):
        from rustorch.func._rules import one_by_one

        return one_by_one(func, level, func.__name__, False, (x, *args), kwargs)
    has_batch = x.dim() == (2 if func.__name__ == "stft" else 3)
    y = func(x._value.flatten(0, 1) if has_batch else x._value, *args, **kwargs)
    return level.wrap(y.unflatten(0, (level.size, -1)) if has_batch else y)
