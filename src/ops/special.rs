//! Pointwise functions beyond the everyday ones.

use super::choose::where_;
use super::inplace::on_old;
use super::pointwise::Class::{Float, Same};
use super::pointwise::{At, D, OUT, Pw, X, Y, apply, binary, binary_rows, number, unary_rows};
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::{Category, DType, Scalar, Tensor};

unary_rows! { OPS1;
    /// `sin(pi x) / (pi x)`, 1 at 0.
    sinc: SINC "SincBackward0" Sinc Float, [f m i o] { X => |a| {
        let x = a.x()?;
        let px = x.mul_scalar(std::f64::consts::PI)?;
        let square = px.mul(&x)?;
        let d = px.cos()?.mul(&px)?.sub(&px.sin()?)?.div(&square)?;
        a.g_times(&d.masked_fill_scalar(&square.eq_scalar(0.0)?, 0.0)?)
    } };
    /// `-x log(x)`, 0 at 0 and minus infinity below.
    special_entr: ENTR "SpecialEntrBackward0" Entr Float, [s o] { X => |a| a.g.mul(&a.x()?.log()?.neg()?.add_scalar(-1.0)?) };
    /// The normal distribution function.
    special_ndtr: NDTR "SpecialNdtrBackward0" Ndtr Float, [s o] { X => |a| {
        let x = a.x()?;
        a.g.mul(&x.mul(&x)?.mul_scalar(-0.5)?.exp()?.mul_scalar(0.398_942_280_401_432_7)?)
    } };
    /// Logarithm of the normal distribution function.
    special_log_ndtr: LOG_NDTR "SpecialLogNdtrBackward0" LogNdtr Float, [s o] { X | OUT => |a| {
        let x = a.x()?;
        a.g.mul(&x.mul(&x)?.mul_scalar(-0.5)?.sub(&a.out()?)?.exp()?.mul_scalar(0.398_942_280_401_432_7)?)
    } };
    /// Inverse of `special.ndtr`.
    special_ndtri: NDTRI "SpecialNdtriBackward0" Ndtri Float, [s o] { OUT => |a| {
        let y = a.out()?;
        a.g.mul(&y.mul(&y)?.mul_scalar(0.5)?.exp()?.mul_scalar(2.506_628_274_631_000_7)?)
    } };
    /// `exp(x^2) erfc(x)`.
    special_erfcx: ERFCX "SpecialErfcxBackward0" Erfcx Float, [s o] { X | OUT => |a| {
        a.g.mul(&a.x()?.mul(&a.out()?)?.mul_scalar(2.0)?.add_scalar(-std::f64::consts::FRAC_2_SQRT_PI)?)
    } };
    /// Modified Bessel function of the first kind, order 0.
    i0: I0 "I0Backward0" I0 Float, [f m i o] { X => |a| a.g.mul(&a.x()?.special_i1()?) };
    /// `exp(-|x|) i0(x)`.
    special_i0e: I0E "SpecialI0EBackward0" I0e Float, [s o] { X | OUT => |a| { let x = a.x()?; a.g.mul(&x.special_i1e()?.sub(&x.sgn()?.mul(&a.out()?)?)?) } };
    /// Modified Bessel function of the first kind, order 1.
    special_i1: I1 "SpecialI1Backward0" I1 Float, [s o] { X | OUT => |a| {
        let x = a.x()?;
        let zero = x.eq_scalar(0.0)?;
        // Away from 0, where i1(x) / x would give NaN to the second derivative.
        let x = x.masked_fill_scalar(&zero, 1.0)?;
        let d = x.i0()?.sub(&a.out()?.div(&x)?)?;
        a.g.mul(&where_(&zero, &number(0.5)?, &d)?)
    } };
    /// `exp(-|x|) i1(x)`.
    special_i1e: I1E "SpecialI1EBackward0" I1e Float, [s o] { X | OUT => |a| {
        let (x, y) = (a.x()?, a.out()?);
        let zero = x.eq_scalar(0.0)?;
        let x = x.masked_fill_scalar(&zero, 1.0)?;
        let d = x.special_i0e()?.sub(&y.mul(&x.sgn()?.add(&x.reciprocal()?)?)?)?;
        a.g.mul(&where_(&zero, &number(0.5)?, &d)?)
    } };
    /// Airy's function Ai.
    special_airy_ai: AIRY_AI "" AiryAi Float, [s o];
    /// Bessel function of the first kind, order 0.
    special_bessel_j0: BESSEL_J0 "" BesselJ0 Float, [s o];
    /// Bessel function of the first kind, order 1.
    special_bessel_j1: BESSEL_J1 "" BesselJ1 Float, [s o];
    /// Bessel function of the second kind, order 0.
    special_bessel_y0: BESSEL_Y0 "" BesselY0 Float, [s o];
    /// Bessel function of the second kind, order 1.
    special_bessel_y1: BESSEL_Y1 "" BesselY1 Float, [s o];
    /// Modified Bessel function of the first kind, order 0.
    special_modified_bessel_i0: MODIFIED_I0 "" I0 Float, [s o];
    /// Modified Bessel function of the first kind, order 1.
    special_modified_bessel_i1: MODIFIED_I1 "" I1 Float, [s o];
    /// Modified Bessel function of the second kind, order 0.
    special_modified_bessel_k0: K0 "" K0 Float, [s o];
    /// Modified Bessel function of the second kind, order 1.
    special_modified_bessel_k1: K1 "" K1 Float, [s o];
    /// `exp(x)` times the modified Bessel function of the second kind, order 0.
    special_scaled_modified_bessel_k0: SCALED_K0 "" ScaledK0 Float, [s o];
    /// `exp(x)` times the modified Bessel function of the second kind, order 1.
    special_scaled_modified_bessel_k1: SCALED_K1 "" ScaledK1 Float, [s o];
    /// Spherical Bessel function of the first kind, order 0.
    special_spherical_bessel_j0: SPHERICAL_J0 "" SphericalBesselJ0 Float, [s o];
}

binary_rows! { OPS2;
    /// `x log(1 + y)`, 0 where x is 0.
    special_xlog1py(Operand, Operand): XLOG1PY "SpecialXlog1PyBackward0" Xlog1py Float, [s o] {
        X | Y => |a| { let (x, y) = (a.x()?, a.y()?); let none = x.eq_scalar(0.0)?.logical_and(&y.le(&number(-1.0)?)?)?; a.g.mul(&y.log1p()?.masked_fill_scalar(&none, 0.0)?) },
        X | Y => |a| a.g.mul(&a.x()?.div(&a.y()?.add_scalar(1.0)?)?) };
}

static ZETA: Pw = Pw {
    name: "special_zeta",
    node: "SpecialZetaBackward0",
    fun: Fun::Zeta,
    class: Float,
    grads: &[
        None,
        Some(D(X | Y, |a| {
            let (x, y) = (a.x()?, a.y()?);
            a.g.mul(&x.neg()?.mul(&binary(&ZETA, &x.add_scalar(1.0)?, &y)?)?)
        })),
    ],
};
static IGAMMA: Pw = Pw {
    name: "igamma",
    node: "IgammaBackward0",
    fun: Fun::Gammainc,
    class: Same,
    grads: &[None, Some(D(X | Y, |a| a.g.mul(&gamma_density(a)?)))],
};
static IGAMMAC: Pw = Pw {
    name: "igammac",
    node: "IgammacBackward0",
    fun: Fun::Gammaincc,
    class: Same,
    grads: &[None, Some(D(X | Y, |a| a.g.mul(&gamma_density(a)?.neg()?)))],
};

/// `y^(x - 1) e^-y / gamma(x)`, the derivative of `igamma(x, y)` by y.
fn gamma_density(at: &At) -> Result<Tensor> {
    let (x, y) = (at.x()?, at.y()?);
    x.add_scalar(-1.0)?.mul(&y.log()?)?.sub(&y)?.sub(&x.lgamma()?)?.exp()
}

static ROUND: Pw = Pw {
    name: "round",
    node: "RoundBackward0",
    fun: Fun::Round,
    class: Same,
    grads: &[Some(D(0, |a| a.g.zeros_like()))],
};
static ROUND_DECIMALS: Pw = Pw {
    name: "round",
    node: "RoundBackward1",
    fun: Fun::RoundDecimals,
    class: Same,
    grads: &[Some(D(0, |a| a.g.zeros_like()))],
};

/// Rounded to the nearest, ties to even, at a number of decimals.
pub fn round(x: &Tensor, decimals: i64, dest: &Dest) -> Result<Tensor> {
    if decimals == 0 {
        return apply(&ROUND, &[x], Params::default(), dest);
    }
    if x.dtype().is_integral(true) {
        return super::helpers::not_implemented("round_vml", x.dtype());
    }
    apply(
        &ROUND_DECIMALS,
        &[x],
        Params { i: [decimals, 0, 0, 0], f: [10f64.powi(decimals.unsigned_abs().min(400) as i32), 0.0, 0.0, 0.0] },
        dest,
    )
}

static LOGIT: Pw = Pw {
    name: "logit",
    node: "LogitBackward0",
    fun: Fun::Logit,
    class: Float,
    grads: &[Some(D(X, |a| apply(&LOGIT_BACKWARD, &[a.g, &a.x()?], *a.p, &Dest::New)))],
};

// The gradient over x (1 - x); outside of [eps, 1 - eps] 0, or NaN where there is no eps.
static LOGIT_BACKWARD: Pw = Pw {
    name: "logit_backward",
    node: "LogitBackwardBackward0",
    fun: Fun::LogitBackward,
    class: Float,
    grads: &[
        Some(D(Y, |a| apply(&LOGIT_BACKWARD, &[a.g, &a.y()?], *a.p, &Dest::New))),
        // g dg (2x - 1) / (x (1 - x))^2, inside.
        Some(D(X | Y, |a| {
            let x = a.y()?;
            let eps = a.p.f[0].max(0.0);
            let outside = x.lt(&number(eps)?)?.logical_or(&x.gt(&number(1.0 - eps)?)?)?;
            let inside = x.mul(&x.neg()?.add_scalar(1.0)?)?;
            let d = a.g.mul(&a.x()?)?.mul(&x.mul_scalar(2.0)?.add_scalar(-1.0)?)?.div(&inside.mul(&inside)?)?;
            where_(&outside, &number(0.0)?, &d)
        })),
    ],
};

/// `log(x / (1 - x))`, x limited to `[eps, 1 - eps]`.
pub fn logit(x: &Tensor, eps: Option<f64>, dest: &Dest) -> Result<Tensor> {
    apply(&LOGIT, &[x], Params { f: [eps.unwrap_or(-1.0), 0.0, 0.0, 0.0], ..Params::default() }, dest)
}

static NAN_TO_NUM: Pw = Pw {
    name: "nan_to_num",
    node: "NanToNumBackward0",
    fun: Fun::NanToNum,
    class: Same,
    grads: &[Some(D(X, |a| {
        let x = a.x()?;
        a.g.masked_fill_scalar(&x.isfinite()?.logical_not()?, 0.0)
    }))],
};

/// NaN and infinities replaced by numbers; by default 0 and the largest finite ones.
pub fn nan_to_num(
    x: &Tensor,
    nan: Option<f64>,
    posinf: Option<f64>,
    neginf: Option<f64>,
    dest: &Dest,
) -> Result<Tensor> {
    if x.dtype().is_integral(true) {
        return match dest {
            Dest::New => super::copy::clone(x, None),
            Dest::InPlace => {
                x.bump_version();
                Ok(x.clone())
            }
            Dest::Out(_) => Ok(x.clone()),
        };
    }
    let max = match x.dtype() {
        DType::F16 => f64::from(half::f16::MAX),
        DType::BF16 => f64::from(half::bf16::MAX),
        DType::F32 | DType::C64 => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    apply(
        &NAN_TO_NUM,
        &[x],
        Params { f: [nan.unwrap_or(0.0), posinf.unwrap_or(max), neginf.unwrap_or(-max), 0.0], ..Params::default() },
        dest,
    )
}

static ANGLE: Pw = Pw {
    name: "angle",
    node: "AngleBackward0",
    fun: Fun::Angle,
    class: Float,
    grads: &[Some(D(X, |a| {
        let x = a.x()?;
        if !x.dtype().is_complex() {
            return a.g.zeros_like();
        }
        // d arg(z) = Im(conj(z) dz) / |z|^2; its gradient is i z / |z|^2.
        let r = x.abs()?;
        let d = x.div(&r.mul(&r)?)?.mul(&number(Scalar::Complex(0.0, 1.0))?)?;
        a.g.mul(&d.masked_fill_scalar(&r.eq_scalar(0.0)?, 0.0)?)
    }))],
};

fn float_power(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    let d = if x.dtype().is_complex() || y.dtype().is_complex() { DType::C128 } else { DType::F64 };
    if matches!(dest, Dest::InPlace) && x.dtype() != d {
        fail!(Runtime, torch: ("the base given to float_power_ has dtype {} but the operation's result requires dtype {}", x.dtype().scalar_name(), d.scalar_name()),
            expected: ("float_power_: expected a base of dtype {}", d.name()), got: ("{}", x.dtype().name()), fix: ("Convert it first, or use float_power()."));
    }
    super::arith::pow(&super::copy::to_dtype(x, d)?, &super::copy::to_dtype(y, d)?, dest)
}

pub(crate) fn positive(x: &Tensor) -> Result<Tensor> {
    if x.dtype() == DType::Bool {
        fail!(Runtime, torch: ("The `+` operator, on a bool tensor is not supported."), expected: ("positive: expected numbers"), got: ("bool"), fix: ("Convert with .int()."));
    }
    Ok(x.clone())
}

fn mvlgamma(x: &Tensor, p: i64) -> Result<Tensor> {
    if x.dtype() == DType::Bool {
        fail!(Runtime, torch: ("The input tensor may not be a boolean tensor."), expected: ("mvlgamma: expected numbers"), got: ("bool"), fix: ("Convert with .float()."));
    }
    if p < 1 {
        fail!(Runtime, torch: ("p has to be greater than or equal to 1"), expected: ("mvlgamma: expected p of at least 1"), got: ("{p}"), fix: ("Use p >= 1."));
    }
    let x = if x.dtype().category() < Category::Float {
        super::copy::to_dtype(x, super::pointwise::default_float())?
    } else {
        x.clone()
    };
    let x = super::copy::contiguous(&x)?;
    let mut sum = x.lgamma()?;
    // Many terms go through one tensor with a dim for them, which fails early where they would run for years.
    if p > 1 << 10 {
        let half = |n: i64| Scalar::Float(-0.5 * n as f64);
        let steps = super::create::arange(half(0), half(p), half(1), Some(x.dtype()), Some(x.device()))?;
        sum = super::view::unsqueeze(&x, -1)?.add(&steps)?.lgamma()?.sum_dims(&[-1], false)?;
    } else {
        for j in 1..p {
            sum = sum.add(&x.add_scalar(-0.5 * j as f64)?.lgamma()?)?;
        }
    }
    let y = sum.add_scalar(p as f64 * (p - 1) as f64 / 4.0 * std::f64::consts::PI.ln())?;
    Ok(crate::autograd::named(y, "MvlgammaBackward0", &x))
}

ops! {
    /// The tensor itself; bool is refused.
    "positive(Tensor self) -> Tensor" [f m] => positive(0);
    @
    /// Multivariate log-gamma function.
    "mvlgamma(Tensor self, int p) -> Tensor" [f m i o] => |a| on_old("mvlgamma", a, |x| mvlgamma(x, a.get(1)?));
    /// Hurwitz zeta function.
    "special_zeta(Operand self, Operand other) -> Tensor" [s o] => |a| apply(&ZETA, &[a.get(0)?, a.get(1)?], Params::default(), &a.dest());
    /// Regularised lower incomplete gamma function.
    "igamma(Tensor self, Tensor other) -> Tensor" [f m i o] => |a| apply(&IGAMMA, &[a.get(0)?, a.get(1)?], Params::default(), &a.dest());
    /// Regularised upper incomplete gamma function.
    "igammac(Tensor self, Tensor other) -> Tensor" [f m i o] => |a| apply(&IGAMMAC, &[a.get(0)?, a.get(1)?], Params::default(), &a.dest());
    /// Power in double precision.
    "float_power(Tensor self, Operand exponent) -> Tensor" [f m i o] => |a| float_power(a.get(0)?, a.get(1)?, &a.dest());
    /// Power of a number in double precision.
    "float_power(Scalar self, Tensor exponent) -> Tensor" [f o] => |a| float_power(&number(a.get::<Scalar>(0)?)?, &super::copy::contiguous(a.get(1)?)?, &a.dest());
    /// Rounded to the nearest, ties to even.
    "round(Tensor self, *, int decimals=0) -> Tensor" [f m i o] => |a| round(a.get(0)?, a.get(1)?, &a.dest());
    /// `log(x / (1 - x))`, x limited to `[eps, 1 - eps]`.
    "logit(Tensor self, float? eps=None) -> Tensor" [f m i o] => |a| logit(a.get(0)?, a.get(1)?, &a.dest());
    /// NaN and infinities replaced by numbers.
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor" [f m i o] => |a| nan_to_num(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, &a.dest());
    /// Angle in radians; of a negative real number pi.
    "angle(Tensor self) -> Tensor" [f m o] => |a| apply(&ANGLE, &[a.get(0)?], Params::default(), &a.dest());
}
