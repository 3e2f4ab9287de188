//! Pointwise operations of two and three tensors: arithmetic, comparison, logic, selection.

use super::choose::where_;
use super::copy::{contiguous, to_dtype};
use super::inplace::on_old;
use super::pointwise::Class::{Float, NoBool, NoComplex, Same};
use super::pointwise::{At, D, OUT, Pw, X, Y, Z, apply, binary, binary_rows, number, unary};
use crate::autograd::named;
use crate::dispatch::{Fun, Params};
use crate::error::Result;
use crate::fail;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::promote::result_type;
use crate::tensor::{Category, DType, Scalar, Tensor};

const SUB_BOOL: &str = "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.";

/// The attribute `alpha` of add and sub.
pub fn alpha(s: Scalar) -> Params {
    Params { f: [s.f64(), s.imag(), 0.0, 0.0], i: [s.i64(), 0, 0, 0] }
}

fn alpha_of(at: &At) -> Scalar {
    if at.p.f[1] != 0.0 { Scalar::Complex(at.p.f[0], -at.p.f[1]) } else { Scalar::Float(at.p.f[0]) }
}

fn times_alpha(g: &Tensor, s: Scalar) -> Result<Tensor> {
    if s.is(1.0) { Ok(g.clone()) } else { g.mul(&number(s)?) }
}

static ADD: Pw = Pw {
    name: "add",
    node: "AddBackward0",
    fun: Fun::Add,
    class: Same,
    grads: &[Some(D(0, |a| Ok(a.g.clone()))), Some(D(0, |a| times_alpha(a.g, alpha_of(a))))],
};
static SUB: Pw = Pw {
    name: "sub",
    node: "SubBackward0",
    fun: Fun::Sub,
    class: NoBool(SUB_BOOL),
    grads: &[Some(D(0, |a| Ok(a.g.clone()))), Some(D(0, |a| times_alpha(&a.g.neg()?, alpha_of(a))))],
};

fn check_alpha(name: &str, x: &Tensor, y: &Tensor, s: Scalar) -> Result<()> {
    let d = result_type(&[x, y]);
    if matches!(s, Scalar::Bool(_)) && d != DType::Bool {
        fail!(Runtime, torch: ("Boolean alpha only supported for Boolean results."), expected: ("{name}: expected a number as alpha"), got: ("a bool"), fix: ("Write 1 for True."));
    }
    if d.is_integral(true) && s.category() > Category::Int {
        fail!(Runtime, torch: ("For integral input tensors, argument alpha must not be a floating point number."), expected: ("{name}: expected an integer alpha"), got: ("{s}"), fix: ("Convert a tensor to float first."));
    }
    if s.category() == Category::Complex && !d.is_complex() {
        fail!(Runtime, torch: ("For non-complex input tensors, argument alpha must not be a complex number."), expected: ("{name}: expected a real alpha"), got: ("{s}"), fix: ("Convert a tensor to complex first."));
    }
    Ok(())
}

/// `x + alpha * y`.
pub fn add(x: &Tensor, y: &Tensor, s: Scalar, dest: &Dest) -> Result<Tensor> {
    if s != Scalar::Int(1) {
        check_alpha("add", x, y, s)?;
    }
    apply(&ADD, &[x, y], alpha(narrowed(s, x, y)), dest)
}

/// A factor of halves, rounded to them.
fn narrowed(s: Scalar, x: &Tensor, y: &Tensor) -> Scalar {
    match (s, half_kind(x, y)) {
        (Scalar::Float(f), 1) => Scalar::Float(half::f16::from_f64(f).to_f64()),
        (Scalar::Float(f), 2) => Scalar::Float(half::bf16::from_f64(f).to_f64()),
        _ => s,
    }
}

/// `x - alpha * y`.
pub fn sub(x: &Tensor, y: &Tensor, s: Scalar, dest: &Dest) -> Result<Tensor> {
    if s != Scalar::Int(1) {
        check_alpha("sub", x, y, s)?;
    }
    if (x.dtype() == DType::Bool) != (y.dtype() == DType::Bool) {
        fail!(Runtime, torch: ("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."),
            expected: ("sub: expected numbers"), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Use ~ or logical_not()."));
    }
    apply(&SUB, &[x, y], alpha(narrowed(s, x, y)), dest)
}

/// `y - alpha * x`.
pub fn rsub(x: &Tensor, y: &Tensor, s: Scalar) -> Result<Tensor> {
    let node = if y.is_wrapped_number() { "RsubBackward1" } else { "RsubBackward0" };
    Ok(named(sub(y, x, s, &Dest::New)?, node, x))
}

static DIV: Pw = Pw {
    name: "div",
    node: "DivBackward0",
    fun: Fun::Div,
    class: Float,
    grads: &[
        Some(D(Y, |a| a.g.div(&a.y()?.conj()?))),
        Some(D(X | Y, |a| {
            let y = a.y()?;
            a.g.neg()?.mul(&a.x()?.div(&y)?.div(&y)?.conj()?)
        })),
    ],
};
static DIV_FLOOR: Pw = Pw {
    name: "div",
    node: "DivBackward1",
    fun: Fun::DivFloor,
    class: Same,
    grads: &[Some(D(0, |a| a.g.zeros_like())), Some(D(0, |a| a.g.zeros_like()))],
};
static DIV_TRUNC: Pw = Pw {
    name: "div",
    node: "DivBackward1",
    fun: Fun::DivTrunc,
    class: Same,
    grads: &[Some(D(0, |a| a.g.zeros_like())), Some(D(0, |a| a.g.zeros_like()))],
};
/// For halves, which torch divides in their own precision, unless by one number.
static DIV_TRUNC_HALF: Pw = Pw {
    name: "div",
    node: "DivBackward1",
    fun: Fun::DivTruncHalf,
    class: Same,
    grads: &[Some(D(0, |a| a.g.zeros_like())), Some(D(0, |a| a.g.zeros_like()))],
};

/// `//`, which unlike [`DIV_FLOOR`] has no derivative in torch: zeros would go unnoticed.
static FLOOR_DIVIDE: Pw =
    Pw { name: "floor_divide", node: "NotImplemented", fun: Fun::DivFloor, class: Same, grads: &[None, None] };

/// Integer division has no answer for 0: torch raises.
fn check_zero(x: &Tensor, y: &Tensor) -> Result<()> {
    if y.dtype().is_integral(true)
        && x.dtype().is_integral(true)
        && result_type(&[x, y]) != DType::Bool
        && crate::dispatch::has_zero(y)
    {
        fail!(Runtime, torch: ("ZeroDivisionError"), expected: ("integer division: expected divisors other than 0"), got: ("0"), fix: ("Mask the zeros first, or divide as floats."));
    }
    Ok(())
}

/// Half types are computed in float32: what tells a kernel in which of them it computes, 0 for none.
fn half_kind(x: &Tensor, y: &Tensor) -> i64 {
    match result_type(&[x, y]) {
        DType::F16 => 1,
        DType::BF16 => 2,
        _ => 0,
    }
}

/// Division: exact, or rounded towards minus infinity ('floor') or zero ('trunc').
pub fn div(x: &Tensor, y: &Tensor, rounding_mode: Option<&str>, dest: &Dest) -> Result<Tensor> {
    match rounding_mode {
        None => apply(&DIV, &[x, y], Params::default(), dest),
        Some("floor") => {
            check_zero(x, y)?;
            apply(&DIV_FLOOR, &[x, y], Params::default(), dest)
        }
        Some("trunc") => {
            check_zero(x, y)?;
            match if y.ndim() == 0 { 0 } else { half_kind(x, y) } {
                0 => apply(&DIV_TRUNC, &[x, y], Params::default(), dest),
                kind => apply(&DIV_TRUNC_HALF, &[x, y], Params { i: [kind, 0, 0, 0], ..Params::default() }, dest),
            }
        }
        Some(other) => {
            fail!(Runtime, torch: ("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{other}'"),
            expected: ("div: expected rounding_mode None, 'trunc' or 'floor'"), got: ("'{other}'"), fix: ("Use one of those."))
        }
    }
}

/// The quotient rounded towards minus infinity, without a derivative.
pub fn floor_divide(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    check_zero(x, y)?;
    apply(&FLOOR_DIVIDE, &[x, y], Params::default(), dest)
}

static REMAINDER: Pw = Pw {
    name: "remainder",
    node: "RemainderBackward0",
    fun: Fun::Remainder,
    class: Same,
    grads: &[
        Some(D(0, |a| Ok(a.g.clone()))),
        Some(D(X | Y, |a| a.g.neg()?.mul(&div(&a.x()?, &a.y()?, Some("floor"), &Dest::New)?))),
    ],
};
static FMOD: Pw = Pw {
    name: "fmod",
    node: "FmodBackward0",
    fun: Fun::Fmod,
    class: Same,
    grads: &[
        Some(D(0, |a| Ok(a.g.clone()))),
        Some(D(X | Y, |a| a.g.neg()?.mul(&div(&a.x()?, &a.y()?, Some("trunc"), &Dest::New)?))),
    ],
};

/// Python's `%`: the sign follows the divisor.
pub fn remainder(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    check_zero(x, y)?;
    apply(&REMAINDER, &[x, y], Params::default(), dest)
}

/// C's `fmod`: the sign follows the dividend.
pub fn fmod(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    check_zero(x, y)?;
    apply(&FMOD, &[x, y], Params::default(), dest)
}

static POW: Pw = Pw {
    name: "pow",
    node: "PowBackward1",
    fun: Fun::Pow,
    class: Same,
    grads: &[
        // y * x^(y-1), and 0 where y = 0 even at x = 0.
        Some(D(X | Y, |a| {
            let (x, y) = (a.x()?, a.y()?);
            let d = a.g_times(&y.mul(&pow(&x, &y.add_scalar(-1.0)?, &Dest::New)?)?)?;
            d.masked_fill_scalar(&y.eq_scalar(0.0)?, 0.0)
        })),
        // out * log(x), and 0 where x = 0 and y >= 0.
        Some(D(X | Y | OUT, |a| {
            let (x, y) = (a.x()?, a.y()?);
            let safe = x.eq_scalar(0.0)?.logical_and(&y.real_part()?.ge(&number(0.0)?)?)?;
            a.g_times(&a.out()?.mul(&x.log()?)?.masked_fill_scalar(&safe, 0.0)?)
        })),
    ],
};

/// `x ** y`.
pub fn pow(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    if y.is_wrapped_number()
        && y.dtype() == DType::I64
        && x.dtype().is_integral(true)
        && y.item()?.i64() < 0
        && !x.is_wrapped_number()
    {
        fail!(Runtime, torch: ("Integers to negative integer powers are not allowed."), expected: ("pow: expected an exponent of at least 0 for integers"), got: ("{}", y.item()?), fix: ("Convert to float first."));
    }
    if y.is_wrapped_number() && matches!(dest, Dest::New) {
        // The everyday exponents are products and roots.
        let e = y.item()?;
        let d = result_type(&[x, y]);
        if d == x.dtype() && e.is(2.0) {
            return x.square();
        }
        if d == x.dtype() && e.is(0.5) && !d.is_integral(true) {
            return unary(&super::unary::SQRT, x);
        }
    }
    apply(&POW, &[x, y], Params::default(), dest)
}

static POLYGAMMA: Pw = Pw {
    name: "polygamma",
    node: "PolygammaBackward0",
    fun: Fun::Polygamma,
    class: Float,
    grads: &[Some(D(X, |a| a.g.mul(&polygamma(a.p.i[0] + 1, &a.x()?)?)))],
};

static TRIGAMMA: Pw = Pw {
    name: "polygamma",
    node: "PolygammaBackward0",
    fun: Fun::Trigamma,
    class: Float,
    grads: &[Some(D(X, |a| a.g.mul(&polygamma(2, &a.x()?)?)))],
};

/// The n-th derivative of `digamma`.
pub fn polygamma(n: i64, x: &Tensor) -> Result<Tensor> {
    if n < 0 {
        fail!(Runtime, torch: ("polygamma(n, x) does not support negative n."), expected: ("polygamma: expected n of at least 0"), got: ("{n}"), fix: ("Use n >= 0."));
    }
    if n == 0 {
        return x.digamma();
    }
    if n == 1 {
        return apply(&TRIGAMMA, &[x], Params::default(), &Dest::New);
    }
    apply(&POLYGAMMA, &[x], Params { i: [n, 0, 0, 0], ..Params::default() }, &Dest::New)
}

/// The share of the gradient that the winner of a comparison gets; ties share it, as in torch.
fn winner(at: &At, first_wins: impl Fn(&Tensor, &Tensor) -> Result<Tensor>, first: bool) -> Result<Tensor> {
    let (x, y) = (at.x()?, at.y()?);
    let loses = if first { first_wins(&y, &x)? } else { first_wins(&x, &y)? };
    let shared = where_(&x.eq(&y)?, &at.g.mul_scalar(0.5)?, at.g)?;
    shared.masked_fill_scalar(&loses, 0.0)
}

static LERP: Pw = Pw {
    name: "lerp",
    node: "LerpBackward0",
    fun: Fun::Lerp,
    class: Same,
    grads: &[
        Some(D(Z, |a| a.g_times(&a.z()?.neg()?.add_scalar(1.0)?))),
        Some(D(Z, |a| a.g_times(&a.z()?))),
        Some(D(X | Y, |a| a.g_times(&a.y()?.sub(&a.x()?)?))),
    ],
};
static ADDCMUL: Pw = Pw {
    name: "addcmul",
    node: "AddcmulBackward0",
    fun: Fun::Addcmul,
    class: Same,
    grads: &[
        Some(D(0, |a| Ok(a.g.clone()))),
        Some(D(Z, |a| times_alpha(&a.g_times(&a.z()?)?, alpha_of(a)))),
        Some(D(Y, |a| times_alpha(&a.g_times(&a.y()?)?, alpha_of(a)))),
    ],
};
static ADDCDIV: Pw = Pw {
    name: "addcdiv",
    node: "AddcdivBackward0",
    fun: Fun::Addcdiv,
    class: Same,
    grads: &[
        Some(D(0, |a| Ok(a.g.clone()))),
        Some(D(Z, |a| times_alpha(&a.g.div(&a.z()?.conj()?)?, alpha_of(a)))),
        Some(D(Y | Z, |a| {
            let z = a.z()?;
            times_alpha(&a.g.neg()?.mul(&a.y()?.div(&z.mul(&z)?)?.conj()?)?, alpha_of(a))
        })),
    ],
};

/// `x + weight * (end - x)`.
pub fn lerp(x: &Tensor, end: &Tensor, weight: &Tensor, dest: &Dest) -> Result<Tensor> {
    if x.dtype() != end.dtype() {
        fail!(Runtime, torch: ("expected dtype {} for `end` but got dtype {}", x.dtype().c_name(), end.dtype().c_name()), expected: ("lerp: expected {}", x.dtype().name()), got: ("{}", end.dtype().name()), fix: ("Convert one."));
    }
    if x.dtype().is_integral(true) {
        return super::helpers::not_implemented("lerp", x.dtype());
    }
    let y = apply(&LERP, &[x, end, weight], Params::default(), dest)?;
    Ok(if weight.is_wrapped_number() { y } else { named(y, "LerpBackward1", x) })
}

/// `x + value * a * b`.
pub fn addcmul(x: &Tensor, a: &Tensor, b: &Tensor, value: Scalar, dest: &Dest) -> Result<Tensor> {
    apply(&ADDCMUL, &[x, a, b], alpha(value), dest)
}

/// `x + value * a / b`.
pub fn addcdiv(x: &Tensor, a: &Tensor, b: &Tensor, value: Scalar, dest: &Dest) -> Result<Tensor> {
    if a.dtype().is_integral(true) && b.dtype().is_integral(true) {
        fail!(Runtime, torch: ("Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes."),
            expected: ("addcdiv: expected floats"), got: ("integers"), fix: ("Convert to float first."));
    }
    apply(&ADDCDIV, &[x, a, b], alpha(value), dest)
}

/// The gradient times `dx / (x^2 + y^2)`, 0 at the origin, which has no angle.
fn over_square(at: &At, dx: &Tensor) -> Result<Tensor> {
    let (x, y) = (at.x()?, at.y()?);
    let square = x.mul(&x)?.add(&y.mul(&y)?)?;
    at.g.mul(&dx.div(&square)?.masked_fill_scalar(&square.eq_scalar(0.0)?, 0.0)?)
}

/// The gradient's share `1 / (1 + odds)`.
fn share(at: &At, odds: &Tensor) -> Result<Tensor> {
    at.g.div(&odds.add_scalar(1.0)?.conj()?)
}

static NEXTAFTER: Pw = Pw {
    name: "nextafter",
    node: "NextafterBackward0",
    fun: Fun::Nextafter,
    class: Same,
    grads: &[Some(D(X | Y, |a| a.g.masked_fill_scalar(&a.x()?.eq(&a.y()?)?, 0.0))), Some(D(0, |a| a.g.zeros_like()))],
};

fn ldexp(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    let power = pow(&number(2.0)?, y, &Dest::New)?;
    let dtype = super::helpers::float_dtype(result_type(&[x, y]));
    apply(&MUL, &[x, &to_dtype(&power, dtype)?], Params::default(), dest)
}

fn nextafter(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    apply(&NEXTAFTER, &[x, y], Params { i: [half_kind(x, y), 0, 0, 0], ..Params::default() }, dest)
}

fn heaviside(x: &Tensor, y: &Tensor, dest: &Dest) -> Result<Tensor> {
    if x.dtype() != y.dtype() && !x.dtype().is_complex() && !y.dtype().is_complex() {
        fail!(Runtime, torch: ("heaviside is not yet implemented for tensors with different dtypes."), expected: ("heaviside: expected one dtype"), got: ("{} and {}", x.dtype().name(), y.dtype().name()), fix: ("Convert one."));
    }
    apply(&HEAVISIDE, &[x, y], Params::default(), dest)
}

static HEAVISIDE: Pw = Pw {
    name: "heaviside",
    node: "NotImplemented",
    fun: Fun::Heaviside,
    class: NoComplex("heaviside is not yet implemented for complex tensors."),
    grads: &[],
};

binary_rows! { OPS2;
    /// Product.
    mul(Operand, Operand): MUL "MulBackward0" Mul Same, [f m i o] { Y => |a| a.g_times(&a.y()?), X => |a| a.g_times(&a.x()?) };
    /// The larger of two, NaN if either is.
    maximum(Tensor, Tensor): MAXIMUM "MaximumBackward0" Maximum NoComplex("maximum not implemented for complex tensors."), [f m o] { X | Y => |a| winner(a, |x, y| x.gt(y), true), X | Y => |a| winner(a, |x, y| x.gt(y), false) };
    /// The smaller of two, NaN if either is.
    minimum(Tensor, Tensor): MINIMUM "MinimumBackward0" Minimum NoComplex("minimum not implemented for complex tensors."), [f m o] { X | Y => |a| winner(a, |x, y| x.lt(y), true), X | Y => |a| winner(a, |x, y| x.lt(y), false) };
    /// The larger of two; a NaN counts as missing.
    fmax(Tensor, Tensor): FMAX "FmaxBackward0" Fmax Same, [f m o] { X | Y => |a| where_(&a.x()?.ge(&a.y()?)?.logical_or(&a.y()?.isnan()?)?, a.g, &number(0.0)?), X | Y => |a| where_(&a.x()?.ge(&a.y()?)?.logical_or(&a.y()?.isnan()?)?, &number(0.0)?, a.g) };
    /// The smaller of two; a NaN counts as missing.
    fmin(Tensor, Tensor): FMIN "FminBackward0" Fmin Same, [f m o] { X | Y => |a| where_(&a.x()?.le(&a.y()?)?.logical_or(&a.y()?.isnan()?)?, a.g, &number(0.0)?), X | Y => |a| where_(&a.x()?.le(&a.y()?)?.logical_or(&a.y()?.isnan()?)?, &number(0.0)?, a.g) };
    /// Angle of the point (other, self), in radians from -pi to pi.
    atan2(Tensor, Tensor): ATAN2 "Atan2Backward0" Atan2 Float, [f m i o] {
        X | Y => |a| over_square(a, &a.y()?),
        X | Y => |a| over_square(a, &a.x()?.neg()?) };
    /// `sqrt(x^2 + y^2)` without overflow on the way.
    hypot(Tensor, Tensor): HYPOT "HypotBackward0" Hypot Same, [f m i o] { X | OUT => |a| a.g.mul(&a.x()?.div(&a.out()?)?), Y | OUT => |a| a.g.mul(&a.y()?.div(&a.out()?)?) };
    /// `log(exp(x) + exp(y))` without overflow.
    logaddexp(Tensor, Tensor): LOGADDEXP "LogaddexpBackward0" Logaddexp Same, [f m o] { X | Y => |a| share(a, &a.y()?.sub(&a.x()?)?.exp()?), X | Y => |a| share(a, &a.x()?.sub(&a.y()?)?.exp()?) };
    /// `log2(2^x + 2^y)` without overflow.
    logaddexp2(Tensor, Tensor): LOGADDEXP2 "Logaddexp2Backward0" Logaddexp2 Same, [f m o] { X | Y => |a| share(a, &a.y()?.sub(&a.x()?)?.exp2()?), X | Y => |a| share(a, &a.x()?.sub(&a.y()?)?.exp2()?) };
    /// `x * log(y)`, and 0 where x = 0.
    xlogy(Operand, Operand): XLOGY "XlogyBackward0" Xlogy Float, [f m i o] {
        X | Y => |a| { let (x, y) = (a.x()?, a.y()?); let none = x.eq_scalar(0.0)?.logical_and(&y.le(&number(0.0)?)?)?; a.g.mul(&y.log()?)?.masked_fill_scalar(&none, 0.0) },
        X | Y => |a| a.g.mul(&a.x()?.div(&a.y()?)?) };
    /// The magnitude of self with the sign of other.
    copysign(Tensor, Operand): COPYSIGN "CopysignBackward0" Copysign Float, [f m i o] {
        X | OUT => |a| { let x = a.x()?; a.g.mul(&a.out()?.div(&x)?.masked_fill_scalar(&x.eq_scalar(0.0)?, 0.0)?) },
        0 => |a| a.g.zeros_like() };
    /// Greatest common divisor.
    gcd(Tensor, Tensor): GCD "NotImplemented" Gcd Same, [f m i o];
    /// Least common multiple.
    lcm(Tensor, Tensor): LCM "NotImplemented" Lcm Same, [f m i o];
    /// Equal, element by element.
    eq(Tensor, Operand): EQ "NotImplemented" Eq Same, [f m i o];
    /// Not equal, element by element.
    ne(Tensor, Operand): NE "NotImplemented" Ne Same, [f m i o];
    /// Less than, element by element.
    lt(Tensor, Operand): LT "NotImplemented" Lt Same, [f m i o];
    /// Less than or equal, element by element.
    le(Tensor, Operand): LE "NotImplemented" Le Same, [f m i o];
    /// Greater than, element by element.
    gt(Tensor, Operand): GT "NotImplemented" Gt Same, [f m i o];
    /// Greater than or equal, element by element.
    ge(Tensor, Operand): GE "NotImplemented" Ge Same, [f m i o];
    /// Both are true.
    logical_and(Tensor, Tensor): LOGICAL_AND "NotImplemented" LogicalAnd Same, [f m i o];
    /// At least one is true.
    logical_or(Tensor, Tensor): LOGICAL_OR "NotImplemented" LogicalOr Same, [f m i o];
    /// Exactly one is true.
    logical_xor(Tensor, Tensor): LOGICAL_XOR "NotImplemented" LogicalXor Same, [f m i o];
    /// `x & y`, bit by bit.
    bitwise_and(Operand, Operand): BITWISE_AND "NotImplemented" BitAnd Same, [f m i o];
    /// `x | y`, bit by bit.
    bitwise_or(Operand, Operand): BITWISE_OR "NotImplemented" BitOr Same, [f m i o];
    /// `x ^ y`, bit by bit.
    bitwise_xor(Operand, Operand): BITWISE_XOR "NotImplemented" BitXor Same, [f m i o];
    /// `x << y`.
    bitwise_left_shift(Operand, Operand): SHL "NotImplemented" Shl Same, [f m i o];
    /// `x >> y`, keeping the sign.
    bitwise_right_shift(Operand, Operand): SHR "NotImplemented" Shr Same, [f m i o];
}

impl Tensor {
    /// `x + y`.
    #[inline]
    pub fn add(&self, y: &Tensor) -> Result<Tensor> {
        apply(&ADD, &[self, y], alpha(Scalar::Int(1)), &Dest::New)
    }
    /// `x - y`.
    pub fn sub(&self, y: &Tensor) -> Result<Tensor> {
        apply(&SUB, &[self, y], alpha(Scalar::Int(1)), &Dest::New)
    }
    /// `x / y`.
    pub fn div(&self, y: &Tensor) -> Result<Tensor> {
        binary(&DIV, self, y)
    }
    /// `x + number`.
    pub fn add_scalar(&self, s: f64) -> Result<Tensor> {
        self.add(&number(s)?)
    }
    /// `x * number`.
    pub fn mul_scalar(&self, s: f64) -> Result<Tensor> {
        self.mul(&number(s)?)
    }
    /// `x == number`.
    pub fn eq_scalar(&self, s: f64) -> Result<Tensor> {
        self.eq(&number(s)?)
    }
    /// `number` where the mask holds.
    pub fn masked_fill_scalar(&self, mask: &Tensor, s: f64) -> Result<Tensor> {
        where_(mask, &number(s)?, self)
    }
}

ops! {
    /// The n-th derivative of `digamma`.
    "polygamma(int n, Tensor self) -> Tensor" [f o] => polygamma(0, 1);
    /// `other - alpha * self`.
    "rsub(Tensor self, Operand other, *, Scalar alpha=1) -> Tensor" [f] => rsub(0, 1, 2);
    @
    /// The n-th derivative of `digamma`.
    "polygamma(Tensor self, int n) -> Tensor" [m i] => |a| on_old("polygamma", a, |x| polygamma(a.get(1)?, x));
    /// Sum: `self + alpha * other`.
    "add(Operand self, Operand other, *, Scalar alpha=1) -> Tensor" [f m i o] => |a| add(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// Difference: `self - alpha * other`.
    "sub(Operand self, Operand other, *, Scalar alpha=1) -> Tensor" [f m i o] => |a| sub(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// Quotient; `rounding_mode` 'floor' or 'trunc' rounds it.
    "div(Operand self, Operand other, *, str? rounding_mode=None) -> Tensor" [f m i o] => |a| div(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// Quotient.
    "true_divide(Operand self, Operand other) -> Tensor" [f m i o] => |a| div(a.get(0)?, a.get(1)?, None, &a.dest());
    /// Quotient rounded towards minus infinity.
    "floor_divide(Operand self, Operand other) -> Tensor" [f m i o] => |a| floor_divide(a.get(0)?, a.get(1)?, &a.dest());
    /// `self * 2^other`.
    "ldexp(Tensor self, Tensor other) -> Tensor" [f m i o] => |a| ldexp(a.get(0)?, a.get(1)?, &a.dest());
    /// The next float after self towards other.
    "nextafter(Tensor self, Tensor other) -> Tensor" [f m i o] => |a| nextafter(a.get(0)?, a.get(1)?, &a.dest());
    /// 0 below 0, `other` at 0, 1 above.
    "heaviside(Tensor self, Tensor other) -> Tensor" [f m i o] => |a| heaviside(a.get(0)?, a.get(1)?, &a.dest());
    /// Python's `%`: the sign follows the divisor.
    "remainder(Tensor self, Operand other) -> Tensor" [f m i o] => |a| remainder(a.get(0)?, a.get(1)?, &a.dest());
    /// Python's `%` with a number on the left.
    "remainder(Scalar self, Tensor other) -> Tensor" [f] => |a| remainder(&number(a.get::<Scalar>(0)?)?, a.get(1)?, &a.dest());
    /// C's `fmod`: the sign follows the dividend.
    "fmod(Tensor self, Operand other) -> Tensor" [f m i o] => |a| fmod(a.get(0)?, a.get(1)?, &a.dest());
    /// Power.
    "pow(Tensor self, Operand exponent) -> Tensor" [f m i o] => |a| pow(a.get(0)?, a.get(1)?, &a.dest());
    /// Power of a number.
    "pow(Scalar self, Tensor exponent) -> Tensor" [f o] => |a| pow(&number(a.get::<Scalar>(0)?)?, &contiguous(a.get(1)?)?, &a.dest());
    /// `self + weight * (end - self)`.
    "lerp(Tensor self, Tensor end, Operand weight) -> Tensor" [f m i o] => |a| lerp(a.get(0)?, a.get(1)?, a.get(2)?, &a.dest());
    /// `self + value * tensor1 * tensor2`.
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor" [f m i o] => |a| addcmul(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, &a.dest());
    /// `self + value * tensor1 / tensor2`.
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor" [f m i o] => |a| addcdiv(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, &a.dest());
}
