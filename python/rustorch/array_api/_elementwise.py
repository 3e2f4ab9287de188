"""Elementwise functions of the array API standard.

Those of two arguments take arrays and Python numbers, at least one of them an array, and promote by `result_type`.
"""

import rustorch
from rustorch import Tensor
from rustorch.array_api._data_types import operands

# The standard's name, rustorch's where it differs, and what comes out.
_UNARY = """
abs                     The absolute value; of complex numbers, the real modulus.
acos                    The inverse cosine, in [0, pi].
acosh                   The inverse hyperbolic cosine.
asin                    The inverse sine, in [-pi/2, pi/2].
asinh                   The inverse hyperbolic sine.
atan                    The inverse tangent, in [-pi/2, pi/2].
atanh                   The inverse hyperbolic tangent.
bitwise_invert=bitwise_not  All bits flipped; of bool, the negation.
ceil                    The least whole number that is not less.
conj=conj_physical      The complex conjugate; real numbers stay as they are.
cos                     The cosine of angles in radians.
cosh                    The hyperbolic cosine.
exp                     e to the power of x.
floor                   The greatest whole number that is not greater.
imag                    The imaginary part of complex numbers, as a view.
isfinite                Whether a number is neither infinite nor NaN.
isinf                   Whether a number is infinite.
isnan                   Whether a number is NaN.
log                     The natural logarithm.
log10                   The logarithm to base 10.
log2                    The logarithm to base 2.
logical_not             Whether an element is False or zero.
negative                The negated number.
real                    The real part, as a view.
reciprocal              1 / x.
signbit                 Whether the sign is set, as it is in -0.
sin                     The sine of angles in radians.
sinh                    The hyperbolic sine.
sqrt                    The square root; NaN below 0.
square                  x * x.
tan                     The tangent of angles in radians.
tanh                    The hyperbolic tangent.
trunc                   The nearest whole number towards 0.
"""
_BINARY = """
add                     x1 + x2.
atan2                   The angle of the point (x2, x1) from the positive x axis, in [-pi, pi].
bitwise_and             x1 & x2.
bitwise_left_shift      x1 << x2.
bitwise_or              x1 | x2.
bitwise_right_shift     x1 >> x2, which keeps the sign.
bitwise_xor             x1 ^ x2.
copysign                The magnitude of x1 with the sign of x2.
divide                  x1 / x2.
equal=eq                Whether x1 == x2.
floor_divide            x1 // x2, rounded down.
greater                 Whether x1 > x2.
greater_equal           Whether x1 >= x2.
hypot                   sqrt(x1 * x1 + x2 * x2), without overflow on the way.
less                    Whether x1 < x2.
less_equal              Whether x1 <= x2.
logaddexp               log(exp(x1) + exp(x2)), without overflow on the way.
logical_and             Whether both are True.
logical_or              Whether one or both are True.
logical_xor             Whether one alone is True.
maximum                 The greater one; NaN if one is.
minimum                 The lesser one; NaN if one is.
multiply                x1 * x2.
nextafter               The next number after x1 towards x2.
not_equal               Whether x1 != x2.
pow                     x1 to the power of x2.
subtract                x1 - x2.
"""


def _unary(function):
    def apply(x, /):
        return function(x)

    return apply


def _binary(function):
    def apply(x1, x2, /):
        # Operands of one dtype are the common case, and promotion costs more than a small operation.
        if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype is x2.dtype:
            return function(x1, x2)
        return function(*operands(x1, x2))

    return apply


__all__ = ["clip", "expm1", "log1p", "positive", "remainder", "round", "sign"]

for _rows, _make in ((_UNARY, _unary), (_BINARY, _binary)):
    for _row in _rows.strip().splitlines():
        _names, _text = _row.split(maxsplit=1)
        _name, _, _own = _names.partition("=")
        _function = _make(getattr(rustorch, _own or _name))
        _function.__name__ = _function.__qualname__ = _name
        _function.__doc__ = _text
        globals()[_name] = _function
        __all__.append(_name)
__all__.sort()


def clip(x, /, min=None, max=None):
    """`x` where it lies in [min, max], else the nearer bound; NaN if one of the three is.

    Args:  min, max (number or array, None): None sets no bound; they broadcast with `x`.
    """
    x, low, high = operands(x, min, max)
    if low is None and high is None:
        return x.clone()
    if high is not None:
        x = rustorch.minimum(x, high)
    return x if low is None else rustorch.maximum(x, low)


def expm1(x, /):
    """exp(x) - 1, exact near 0."""
    y = rustorch.expm1(x)
    if not x.is_complex():
        return y
    # Where a part is infinite or NaN nothing is near 0, and `exp` knows these cases.
    z = rustorch.exp(x)
    return rustorch.where(rustorch.isfinite(x), y, rustorch.complex(z.real - 1, z.imag))


def log1p(x, /):
    """log(1 + x), exact near 0."""
    y = rustorch.log1p(x)
    # Next to an infinite part the 1 is nothing, and `log` knows these cases.
    return rustorch.where(rustorch.isinf(x), rustorch.log(x), y) if x.is_complex() else y


def positive(x, /):
    """A copy of `x`."""
    return rustorch.positive(x).clone()


def remainder(x1, x2, /):
    """x1 - x2 * floor(x1 / x2), of the sign of x2, also where it is 0: there torch keeps the sign of x1."""
    x1, x2 = operands(x1, x2)
    y = rustorch.remainder(x1, x2)
    return rustorch.where(y == 0, rustorch.copysign(y, x2), y) if y.is_floating_point() else y


def round(x, /):
    """The nearest whole number, halves to the even one; of complex numbers, for both parts."""
    return rustorch.complex(x.real.round(), x.imag.round()) if x.is_complex() else rustorch.round(x)


def sign(x, /):
    """-1, 0 or 1; of complex numbers x / abs(x), or 0; NaN stays NaN, where torch gives 0."""
    y = rustorch.sgn(x)
    return rustorch.where(rustorch.isnan(x), x, y) if x.is_floating_point() else y
