"""Element by element: the samples are aligned at their last dims, behind the batch dim."""

import functools

import rustorch
from rustorch import Tensor
from rustorch.func._rules import check_written, name_of, rule

_POINTWISE = """
    neg abs sgn square exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh erf erfc sigmoid sinc sqrt rsqrt log log2
    log10 lgamma digamma log1p reciprocal asin acos atanh erfinv acosh sign floor ceil trunc frac isnan isinf isfinite
    isposinf isneginf signbit logical_not bitwise_not positive round logit nan_to_num angle conj conj_physical
    resolve_conj resolve_neg mvlgamma polygamma i0 special_i0e special_i1 special_i1e special_erfcx special_log_ndtr
    special_ndtr special_entr special_ndtri special_airy_ai special_bessel_j0 special_bessel_j1 special_modified_bessel_i0
    special_modified_bessel_i1 special_spherical_bessel_j0 special_bessel_y0 special_bessel_y1
    special_modified_bessel_k0 special_modified_bessel_k1 special_scaled_modified_bessel_k0
    special_scaled_modified_bessel_k1 log_sigmoid relu mish silu selu hardswish relu6 hardsigmoid gelu elu celu softplus
    leaky_relu hardtanh softshrink hardshrink threshold add sub rsub mul div true_divide floor_divide remainder fmod pow
    float_power eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
    bitwise_left_shift bitwise_right_shift maximum minimum atan2 hypot logaddexp logaddexp2 fmax fmin nextafter gcd lcm
    heaviside ldexp copysign xlogy special_xlog1py special_zeta igamma igammac _standard_gamma_grad _dirichlet_grad
    clamp_min clamp_max isclose complex polar
    addcmul addcdiv lerp clamp deg2rad rad2deg isreal frexp real imag .real .imag
    special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
    special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he
    special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t
    special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __rsub__ __rdiv__ __rtruediv__ __floordiv__ __rfloordiv__ __mod__ __rmod__
    __pow__ __rpow__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __lshift__ __rlshift__ __rshift__ __rrshift__
    __add__ __radd__ __sub__ __mul__ __rmul__ __truediv__ __neg__ __abs__ __invert__ __pos__
"""


def rank_of(tensors):
    """The largest number of dims of a sample."""
    return max((t.dim() for t in tensors), default=0)


@functools.cache
def _stand_in(dtype, scalar):
    return rustorch.empty(() if scalar else (1,), dtype=dtype)


def common_dtype(level, tensors):
    """The dtype of a result where the whole batch would promote otherwise than one sample; else None.

    A batched number has a dim, the batch's, and would weigh as much as a tensor with dims.
    """
    dtypes = {t.dtype for t in tensors}
    if len(dtypes) == 1 or not any(t.dim() == 0 and level.has(t) for t in tensors):
        return None
    stand_ins = [_stand_in(t.dtype, t.dim() == 0) for t in tensors]
    dims = [s for s in stand_ins if s.dim()] or stand_ins
    numbers = [s for s in stand_ins if not s.dim()]
    dtype = functools.reduce(rustorch.promote_types, [s.dtype for s in dims])
    for number in numbers:
        dtype = rustorch.result_type(_stand_in(dtype, len(dims) == 0 or not dims[0].dim()), number)
    return dtype


def _is_tensor(x):
    return isinstance(x, Tensor)


@rule(_POINTWISE)
def pointwise(func, level, *args, **kwargs):
    tensors = [*filter(_is_tensor, args), *filter(_is_tensor, kwargs.values())]
    rank, dtype = rank_of(tensors), common_dtype(level, tensors)

    def ready(x):
        if not isinstance(x, Tensor):
            return x
        x = level.aligned(x, rank)
        return x if dtype is None or x.dtype == dtype else x.to(dtype)

    return level.wrap(func(*map(ready, args), **{key: ready(value) for key, value in kwargs.items()}))


@rule(" ".join(f"{name}_" for name in _POINTWISE.split() if name[0] not in "_.") + " copy_ zero_ masked_fill_")
def in_place(func, level, x, *args, **kwargs):
    name, _ = name_of(func)
    check_written(level, name if name.endswith("_") else name + "_", x, args, kwargs)
    rank = x.dim()

    def ready(other):
        return level.aligned(other, rank) if isinstance(other, Tensor) else other

    func(x._value, *map(ready, args), **{key: ready(value) for key, value in kwargs.items()})
    return x


@rule("fill_")
def fill_(func, level, x, value):
    return x.copy_(value) if level.has(value) else in_place(func, level, x, value)


@rule("where")
def where(func, level, *args, **kwargs):
    if len(args) + len(kwargs) == 1:
        dynamic_shape(func, level, *args)
    tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
    rank = rank_of(tensors)
    # Tensor.where starts with what is chosen where the condition holds, torch.where with the condition.
    chosen = [x for x in tensors if x.dtype is not rustorch.bool]
    dtype = common_dtype(level, chosen) if chosen else None

    def ready(x):
        if not isinstance(x, Tensor):
            return x
        x = level.aligned(x, rank)
        return x if dtype is None or x.dtype in (dtype, rustorch.bool) else x.to(dtype)

    return level.wrap(func(*map(ready, args), **{key: ready(value) for key, value in kwargs.items()}))


@rule("masked_fill")
def masked_fill(func, level, x, mask, value):
    rank = max(x.dim(), mask.dim())
    if level.has(value):
        # A value of each sample's own: the dtype stays that of x.
        return rustorch.where(mask, value.to(x.dtype), x)
    return level.wrap(func(level.aligned(x, rank), level.aligned(mask, rank), value))


@rule("prelu")
def prelu(func, level, x, weight):
    if weight.numel() != 1 and x.dim() > 1:
        weight = weight.reshape(-1, *[1] * (x.dim() - 2))
    elif weight.dim():
        weight = weight.reshape(weight.shape if x.dim() == 1 and weight.numel() > 1 else ())
    return rustorch.where(x > 0, x, x * weight)


@rule("allclose equal is_nonzero")
def truth(func, level, *args, **kwargs):
    name, _ = name_of(func)
    raise RuntimeError(
        f"vmap over torch.{name} isn't supported yet.\n"
        f"  vmap: expected operations on tensors, but {name} returns one bool. Use (x == y).all()."
    )


@rule("nonzero argwhere unique _unique2 unique_dim unique_consecutive masked_select")
def dynamic_shape(func, level, *args, **kwargs):
    name, _ = name_of(func)
    raise RuntimeError(
        "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over "
        f"aten::{name}.\n  vmap: expected results of one shape for all samples, but the shape of {name}'s depends on "
        "their values. Call it outside of vmap."
    )
