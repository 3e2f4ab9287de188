//! Pointwise functions of one tensor, with their derivatives.

use super::pointwise::Class::{Float, NoBool, NoComplex, Number, Same};
use super::pointwise::{OUT, X, unary_rows};
use super::view::expand_to;
use crate::dispatch::zeros;

const NEG_BOOL: &str = "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.";
const TWO_OVER_SQRT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;

unary_rows! { OPS;
    /// `-x`.
    neg: NEG "NegBackward0" Neg NoBool(NEG_BOOL), [f m i o] { 0 => |a| a.g.neg() };
    /// Absolute value; of a complex number its modulus.
    abs: ABS "AbsBackward0" Abs Same, [f m i o] { X => |a| a.g.mul(&a.x()?.sgn()?) };
    /// -1, 0 or 1 by the sign.
    sign: SIGN "SignBackward0" Sign Same, [f m i o] { 0 => |a| a.g.zeros_like() };
    /// Sign, for complex numbers `x / |x|`.
    sgn: SGN "SgnBackward0" Sgn Same, [f m i o] { X | OUT => |a| {
        // Holomorphic nowhere: (g/|x| - x * Re(g conj(sgn)) / |x|^2) for complex, 0 for real.
        if !a.g.dtype().is_complex() { return expand_to(&zeros(&[], a.g.dtype(), a.g.device())?, a.g.shape()); }
        let (x, y) = (a.x()?, a.out()?);
        let along = a.g.mul(&y.conj()?)?.real_part()?;
        let r = a.g.sub(&y.mul(&along)?)?.div(&x.abs()?)?;
        r.masked_fill_scalar(&x.eq_scalar(0.0)?, 0.0)
    } };
    /// `x * x`.
    square: SQUARE "PowBackward0" Square Number, [f m i o] { X => |a| a.g_times(&a.x()?.mul_scalar(2.0)?) };
    /// Square root.
    sqrt: SQRT "SqrtBackward0" Sqrt Float, [f m i o] { OUT => |a| a.g.div(&a.out()?.conj()?.mul_scalar(2.0)?) };
    /// `1 / sqrt(x)`.
    rsqrt: RSQRT "RsqrtBackward0" Rsqrt Float, [f m i o] { OUT => |a| { let y = a.out()?; a.g_times(&y.mul(&y)?.mul(&y)?.mul_scalar(-0.5)?) } };
    /// `1 / x`.
    reciprocal: RECIPROCAL "ReciprocalBackward0" Reciprocal Float, [f m i o] { OUT => |a| { let y = a.out()?; a.g_times(&y.mul(&y)?.neg()?) } };
    /// Exponential.
    exp: EXP "ExpBackward0" Exp Float, [f m i o] { OUT => |a| a.g_times(&a.out()?) };
    /// `2 ** x`.
    exp2: EXP2 "Exp2Backward0" Exp2 Float, [f m i o] { OUT => |a| a.g_times(&a.out()?.mul_scalar(std::f64::consts::LN_2)?) };
    /// `exp(x) - 1`, exact near 0.
    expm1: EXPM1 "Expm1Backward0" Expm1 Float, [f m i o] { OUT => |a| a.g_times(&a.out()?.add_scalar(1.0)?) };
    /// Natural logarithm.
    log: LOG "LogBackward0" Log Float, [f m i o] { X => |a| a.g.div(&a.x()?.conj()?) };
    /// Logarithm to base 2.
    log2: LOG2 "Log2Backward0" Log2 Float, [f m i o] { X => |a| a.g.div(&a.x()?.conj()?.mul_scalar(std::f64::consts::LN_2)?) };
    /// Logarithm to base 10.
    log10: LOG10 "Log10Backward0" Log10 Float, [f m i o] { X => |a| a.g.div(&a.x()?.conj()?.mul_scalar(std::f64::consts::LN_10)?) };
    /// `log(1 + x)`, exact near 0.
    log1p: LOG1P "Log1PBackward0" Log1p Float, [f m i o] { X => |a| a.g.div(&a.x()?.add_scalar(1.0)?.conj()?) };
    /// Sine of an angle in radians.
    sin: SIN "SinBackward0" Sin Float, [f m i o] { X => |a| a.g_times(&a.x()?.cos()?) };
    /// Cosine of an angle in radians.
    cos: COS "CosBackward0" Cos Float, [f m i o] { X => |a| a.g_times(&a.x()?.sin()?.neg()?) };
    /// Tangent of an angle in radians.
    tan: TAN "TanBackward0" Tan Float, [f m i o] { OUT => |a| { let y = a.out()?; a.g_times(&y.mul(&y)?.add_scalar(1.0)?) } };
    /// Arc sine, in radians.
    asin: ASIN "AsinBackward0" Asin Float, [f m i o] { X => |a| { let x = a.x()?; a.g_times(&x.mul(&x)?.neg()?.add_scalar(1.0)?.rsqrt()?) } };
    /// Arc cosine, in radians.
    acos: ACOS "AcosBackward0" Acos Float, [f m i o] { X => |a| { let x = a.x()?; a.g_times(&x.mul(&x)?.neg()?.add_scalar(1.0)?.rsqrt()?.neg()?) } };
    /// Arc tangent, in radians.
    atan: ATAN "AtanBackward0" Atan Float, [f m i o] { X => |a| { let x = a.x()?; a.g.div(&x.mul(&x)?.add_scalar(1.0)?.conj()?) } };
    /// Hyperbolic sine.
    sinh: SINH "SinhBackward0" Sinh Float, [f m i o] { X => |a| a.g_times(&a.x()?.cosh()?) };
    /// Hyperbolic cosine.
    cosh: COSH "CoshBackward0" Cosh Float, [f m i o] { X => |a| a.g_times(&a.x()?.sinh()?) };
    /// Hyperbolic tangent.
    tanh: TANH "TanhBackward0" Tanh Float, [f m i o] { OUT => |a| super::activation::tanh_backward(a.g, &a.out()?) };
    /// Inverse hyperbolic sine.
    asinh: ASINH "AsinhBackward0" Asinh Float, [f m i o] { X => |a| { let x = a.x()?; a.g_times(&x.mul(&x)?.add_scalar(1.0)?.rsqrt()?) } };
    /// Inverse hyperbolic cosine.
    acosh: ACOSH "AcoshBackward0" Acosh Float, [f m i o] { X => |a| {
        let x = a.x()?;
        if !x.dtype().is_complex() { return a.g.mul(&x.mul(&x)?.add_scalar(-1.0)?.rsqrt()?); }
        a.g_times(&x.add_scalar(1.0)?.rsqrt()?.mul(&x.add_scalar(-1.0)?.rsqrt()?)?)
    } };
    /// Inverse hyperbolic tangent.
    atanh: ATANH "AtanhBackward0" Atanh Float, [f m i o] { X => |a| { let x = a.x()?; a.g.div(&x.mul(&x)?.neg()?.add_scalar(1.0)?.conj()?) } };
    /// Gauss error function, `2/sqrt(pi) * integral of exp(-t^2) from 0 to x`.
    erf: ERF "ErfBackward0" Erf Float, [f m i o] { X => |a| { let x = a.x()?; a.g.mul(&x.mul(&x)?.neg()?.exp()?.mul_scalar(TWO_OVER_SQRT_PI)?) } };
    /// `1 - erf(x)`.
    erfc: ERFC "ErfcBackward0" Erfc Float, [f m i o] { X => |a| { let x = a.x()?; a.g.mul(&x.mul(&x)?.neg()?.exp()?.mul_scalar(-TWO_OVER_SQRT_PI)?) } };
    /// Inverse of `erf`.
    erfinv: ERFINV "ErfinvBackward0" Erfinv Float, [f m i o] { OUT => |a| { let y = a.out()?; a.g.mul(&y.mul(&y)?.exp()?.mul_scalar(1.0 / TWO_OVER_SQRT_PI)?) } };
    /// Logarithm of the absolute value of the gamma function.
    lgamma: LGAMMA "LgammaBackward0" Lgamma Float, [f m i o] { X => |a| a.g.mul(&a.x()?.digamma()?) };
    /// Derivative of `lgamma`.
    digamma: DIGAMMA "DigammaBackward0" Digamma Float, [f m i o] { X => |a| a.g.mul(&super::arith::polygamma(1, &a.x()?)?) };
    /// `1 / (1 + exp(-x))`.
    sigmoid: SIGMOID "SigmoidBackward0" Sigmoid Float, [f m i o] { OUT => |a| super::activation::sigmoid_backward(a.g, &a.out()?) };
    /// Largest integer at most x.
    floor: FLOOR "FloorBackward0" Floor Same, [f m i o] { 0 => |a| a.g.zeros_like() };
    /// Smallest integer at least x.
    ceil: CEIL "CeilBackward0" Ceil Same, [f m i o] { 0 => |a| a.g.zeros_like() };
    /// x rounded towards 0.
    trunc: TRUNC "TruncBackward0" Trunc Same, [f m i o] { 0 => |a| a.g.zeros_like() };
    /// `x - trunc(x)`.
    frac: FRAC "FracBackward0" Frac Same, [f m i o] { 0 => |a| Ok(a.g.clone()) };
    /// `~x`: logical for bool, bit by bit for integers.
    bitwise_not: BITWISE_NOT "NotImplemented" BitNot Same, [f m i o];
    /// Is it 0?
    logical_not: LOGICAL_NOT "NotImplemented" LogicalNot Same, [f m i o];
    /// Is it NaN?
    isnan: ISNAN "NotImplemented" IsNan Same, [f m];
    /// Is it an infinity?
    isinf: ISINF "NotImplemented" IsInf Same, [f m];
    /// Is it neither NaN nor an infinity?
    isfinite: ISFINITE "NotImplemented" IsFinite Same, [f m];
    /// Is it positive infinity?
    isposinf: ISPOSINF "NotImplemented" IsPosInf NoComplex("isposinf does not support complex inputs."), [f m o];
    /// Is it negative infinity?
    isneginf: ISNEGINF "NotImplemented" IsNegInf NoComplex("isneginf does not support complex inputs."), [f m o];
    /// Is the sign bit set?
    signbit: SIGNBIT "NotImplemented" Signbit Same, [f m o];
}
