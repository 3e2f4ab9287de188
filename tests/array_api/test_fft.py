"""The Fourier transform extension, where rustorch has transforms."""

import itertools

import pytest
from array_api.support import COMPLEX, FLOATS, Dtype, agree, array, xp

pytestmark = pytest.mark.skipif(not hasattr(xp, "fft"), reason="there is no rustorch.fft")
NORMS = ["backward", "ortho", "forward"]


@pytest.mark.parametrize("norm", NORMS)
def test_transforms_along_an_axis(norm):
    for name, shape in itertools.product(("fft", "ifft", "hfft", "irfft"), ((4,), (3, 5))):
        for dtype, n, axis in itertools.product(COMPLEX, (None, 3, 6), range(-len(shape), len(shape))):
            agree(f"fft.{name}", array(dtype, shape), n=n, axis=axis, norm=norm)
    for name, dtype, n in itertools.product(("rfft", "ihfft"), FLOATS, (None, 3, 6)):
        agree(f"fft.{name}", array(dtype, (3, 5)), n=n, norm=norm)


@pytest.mark.parametrize("norm", NORMS)
def test_transforms_along_several_axes(norm):
    for axes in ({}, {"axes": (0, 1)}, {"axes": (-1,)}, {"s": (2, 6), "axes": (1, 2)}):
        for dtype in COMPLEX:
            for name in ("fftn", "ifftn", "irfftn"):
                agree(f"fft.{name}", array(dtype, (2, 3, 4)), norm=norm, **axes)
        for dtype in FLOATS:
            agree("fft.rfftn", array(dtype, (2, 3, 4)), norm=norm, **axes)


def test_frequencies_and_shifts():
    for name, n in itertools.product(("fftfreq", "rfftfreq"), (1, 4, 5)):
        agree(f"fft.{name}", n, d=0.5, dtype=Dtype("float64"))
        assert getattr(xp.fft, name)(n).dtype is xp.float32
    for name, axes in itertools.product(("fftshift", "ifftshift"), (None, 0, (0, 1))):
        agree(f"fft.{name}", array("float64", (3, 4)), axes=axes)
