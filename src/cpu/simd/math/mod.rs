//! Elementary functions as branch-free scalar code that LLVM vectorises in the loops that inline it.
//!
//! [`Real`] is what kernels are generic over. The functions are written once, in `elementary`, over what differs between
//! f32 and f64 (`core`: bit layout, constants, coefficients). Coefficients are minimax fits in 50-digit arithmetic (relative error), rounded one by one from the lowest
//! order with a refit of the rest after each. Special values are those of C and PyTorch: NaN in, NaN out; the sign of
//! zero is kept by odd functions.
//!
//! All levels of `multiversion!` give the same bits: `mul_add` rounds once everywhere.

use crate::tensor::Element;
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

pub mod airy;
mod bessel;
mod core;
mod elementary;
mod gamma;
pub mod implicit;
pub mod polynomial;
pub mod special;

/// Elements that functions with loops of their own take together, so that the loops over a block are vectorised.
pub const BLOCK: usize = 16;

/// f32 or f64, as kernels see it.
pub trait Real:
    Element
    + PartialOrd
    + Debug
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 1/2.
    const HALF: Self;
    /// Positive infinity.
    const INF: Self;
    /// A quiet NaN.
    const NAN: Self;
    /// The largest finite value.
    const MAX: Self;
    /// The distance from 1 to the next value.
    const EPS: Self;

    /// The nearest value to a constant or an attribute.
    fn of(x: f64) -> Self;
    /// Widens.
    fn f64(self) -> f64;
    /// `self * a + b`, rounded once.
    fn fma(self, a: Self, b: Self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Rounds down.
    fn floor(self) -> Self;
    /// Rounds up.
    fn ceil(self) -> Self;
    /// Rounds to zero.
    fn trunc(self) -> Self;
    /// Rounds to the nearest integer, halves to even.
    fn round_even(self) -> Self;
    /// This magnitude with the sign of `s`.
    fn copysign(self, s: Self) -> Self;
    /// Is the sign bit set?
    fn signbit(self) -> bool;
    /// The next value towards `to`.
    fn next_after(self, to: Self) -> Self;
    /// C's `fmod`, for any arguments.
    fn fmod_far(self, d: Self) -> Self;

    /// e^x.
    fn exp(self) -> Self;
    /// 2^x.
    fn exp2(self) -> Self;
    /// e^x - 1.
    fn expm1(self) -> Self;
    /// Natural logarithm.
    fn log(self) -> Self;
    /// Base-2 logarithm.
    fn log2(self) -> Self;
    /// Base-10 logarithm.
    fn log10(self) -> Self;
    /// log(1 + x).
    fn log1p(self) -> Self;
    /// log(1 + x) for x in [0, 1].
    fn log1p_unit(self) -> Self;
    /// Sine where [`Real::is_far`] is false.
    fn sin_near(self) -> Self;
    /// Cosine where [`Real::is_far`] is false.
    fn cos_near(self) -> Self;
    /// Tangent where [`Real::is_far`] is false.
    fn tan_near(self) -> Self;
    /// Is this finite angle too large for the fast reduction of `sin_near`, `cos_near` and `tan_near`?
    fn is_far(self) -> bool;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Hyperbolic sine.
    fn sinh(self) -> Self;
    /// Hyperbolic cosine.
    fn cosh(self) -> Self;
    /// Inverse hyperbolic sine.
    fn asinh(self) -> Self;
    /// Inverse hyperbolic cosine.
    fn acosh(self) -> Self;
    /// Inverse hyperbolic tangent.
    fn atanh(self) -> Self;
    /// Arc tangent.
    fn atan(self) -> Self;
    /// Angle of the point (x, y), `self` being y.
    fn atan2(self, x: Self) -> Self;
    /// Arc sine.
    fn asin(self) -> Self;
    /// Arc cosine.
    fn acos(self) -> Self;
    /// Error function.
    fn erf(self) -> Self;
    /// 1 - erf(x), without cancellation.
    fn erfc(self) -> Self;
    /// exp(x^2) erfc(x).
    fn erfcx(self) -> Self;
    /// `self` to the power `e`, with C's special cases.
    fn pow(self, e: Self) -> Self;
    /// sqrt(x^2 + y^2) without overflow.
    fn hypot(self, y: Self) -> Self;

    /// 1 / (1 + e^-x).
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
    /// log(1 + e^x).
    #[inline(always)]
    fn softplus(self) -> Self {
        let positive = if self < Self::ZERO { Self::ZERO } else { self };
        positive + (-self.abs()).exp().log1p_unit()
    }
    /// Is it NaN?
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "the definition of NaN")]
    fn is_nan(self) -> bool {
        self != self
    }
    /// The greater one; NaN if either is.
    #[inline(always)]
    fn maximum(self, b: Self) -> Self {
        let m = if self > b { self } else { b };
        if self.is_nan() { self } else { m }
    }
    /// The lesser one; NaN if either is.
    #[inline(always)]
    fn minimum(self, b: Self) -> Self {
        let m = if self < b { self } else { b };
        if self.is_nan() { self } else { m }
    }
    /// C's `fmod` where [`Real::fmod_is_far`] is false: the quotient is off by one at most, and the remainder exact.
    #[inline(always)]
    fn fmod_near(self, d: Self) -> Self {
        let (a, b) = (self.abs(), d.abs());
        let r = (-(a / b).trunc()).fma(b, a);
        let r = if r < Self::ZERO { r + b } else { r };
        let r = if r >= b { r - b } else { r };
        r.copysign(self)
    }
    /// Is the quotient too large for [`Real::fmod_near`], or an operand not finite?
    #[inline(always)]
    fn fmod_is_far(self, d: Self) -> bool {
        let q = (self / d).abs();
        !(q < Self::of(0.25) / Self::EPS) | (d.abs() == Self::INF)
    }
}

/// `yes` if `cond`, else `no`, both computed. With an `if` LLVM may copy whole polynomials into the two branches and then
/// run both copies.
#[inline(always)]
fn pick<T>(cond: bool, yes: T, no: T) -> T {
    std::hint::select_unpredictable(cond, yes, no)
}

/// Is this f32, for which f64 has bits to spare?
#[inline(always)]
fn single<R>() -> bool {
    size_of::<R>() == size_of::<f32>()
}

/// Sum of `c[k] * x^k`, in groups of two or four terms and then by Horner's rule in x^2 or x^4: its plain chain of dependent
/// steps is longer than what a processor looks ahead.
#[inline(always)]
pub(crate) fn poly<R: Real, const N: usize>(x: R, c: [f64; N]) -> R {
    // Nested calls rather than a loop over a table of partial sums, which LLVM would keep in memory.
    #[inline(always)]
    fn group<R: Real>(x: R, x2: R, c: &[f64]) -> R {
        match *c {
            [a] => R::of(a),
            [a, b] => R::of(b).fma(x, R::of(a)),
            [a, b, c] => R::of(c).fma(x2, R::of(b).fma(x, R::of(a))),
            [a, b, c, d, ..] => R::of(d).fma(x, R::of(c)).fma(x2, R::of(b).fma(x, R::of(a))),
            [] => R::ZERO,
        }
    }
    let x2 = x * x;
    let (step, power) = if N <= 8 { (2, x2) } else { (4, x2 * x2) };
    let mut k = (N - 1) / step * step;
    let mut p = group(x, x2, &c[k..]);
    while k > 0 {
        k -= step;
        p = p.fma(power, group(x, x2, &c[k..k + step]));
    }
    p
}

macro_rules! real {
    ($t:ident, $bits:ident, $int:ident, |$x:ident, $y:ident| { $($name:ident => $via:expr;)* } { $($name2:ident => $via2:expr;)* }) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const HALF: Self = 0.5;
            const INF: Self = $t::INFINITY;
            const NAN: Self = $t::NAN;
            const MAX: Self = $t::MAX;
            const EPS: Self = $t::EPSILON;

            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn fma(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $t::floor(self)
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                $t::ceil(self)
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                $t::trunc(self)
            }
            #[inline(always)]
            fn round_even(self) -> Self {
                self.round_ties_even()
            }
            #[inline(always)]
            fn copysign(self, s: Self) -> Self {
                $t::copysign(self, s)
            }
            #[inline(always)]
            fn signbit(self) -> bool {
                self.is_sign_negative()
            }
            #[inline(always)]
            fn next_after(self, to: Self) -> Self {
                let bits = self.to_bits() as $int;
                // Bits of one sign grow with the magnitude, so the neighbour is one step up or down.
                let step = if (self < to) == (self > 0.0) { 1 } else { -1 };
                let next = $t::from_bits(bits.wrapping_add(step) as $bits);
                let r = if self == 0.0 { $t::from_bits(1).copysign(to) } else { next };
                let r = if self == to { to } else { r };
                if Real::is_nan(self) | Real::is_nan(to) { self + to } else { r }
            }
            #[inline(always)]
            fn fmod_far(self, d: Self) -> Self {
                self % d
            }
            #[inline(always)]
            fn is_far(self) -> bool {
                let a = $t::abs(self);
                (a > <$t as core::Core>::FAR) & (a < $t::INFINITY)
            }
            $(#[inline(always)] fn $name(self) -> Self { let $x = self; $via })*
            $(#[inline(always)] fn $name2(self, $y: Self) -> Self { let $x = self; $via2 })*
        }
    };
}

real!(f32, u32, i32, |x, y| {
    exp => elementary::exp(x);
    exp2 => elementary::exp2(x);
    expm1 => elementary::expm1(x);
    log => elementary::log(x);
    log2 => elementary::log2(x);
    log10 => elementary::log10(x);
    log1p => elementary::log1p(x);
    log1p_unit => elementary::log1p_unit(x);
    sin_near => elementary::sin(x);
    cos_near => elementary::cos(x);
    tan_near => elementary::tan(x);
    tanh => elementary::tanh(x);
    atan => elementary::atan(x);
    asin => elementary::asin(x);
    acos => elementary::acos(x);
    erf => elementary::erf32(x);
    // In f64, where the two or three roundings of a composition vanish in the last one.
    sinh => elementary::sinh(x as f64) as f32;
    cosh => elementary::cosh(x as f64) as f32;
    asinh => elementary::asinh(x as f64) as f32;
    acosh => elementary::acosh(x as f64) as f32;
    atanh => elementary::atanh32(x);
    erfc => elementary::erfc32(x);
    erfcx => elementary::erfcx(x as f64) as f32;
} {
    atan2 => elementary::atan2(x, y);
    pow => elementary::pow_by_log2(x as f64, y as f64) as f32;
    hypot => elementary::hypot(x as f64, y as f64) as f32;
});

real!(f64, u64, i64, |x, y| {
    exp => elementary::exp(x);
    exp2 => elementary::exp2(x);
    expm1 => elementary::expm1(x);
    log => elementary::log(x);
    log2 => elementary::log2(x);
    log10 => elementary::log10(x);
    log1p => elementary::log1p(x);
    log1p_unit => elementary::log1p_unit(x);
    sin_near => elementary::sin(x);
    cos_near => elementary::cos(x);
    tan_near => elementary::tan(x);
    tanh => elementary::tanh(x);
    atan => elementary::atan(x);
    asin => elementary::asin(x);
    acos => elementary::acos(x);
    erf => elementary::erf64(x);
    sinh => elementary::sinh(x);
    cosh => elementary::cosh(x);
    asinh => elementary::asinh(x);
    acosh => elementary::acosh(x);
    atanh => elementary::atanh(x);
    erfc => elementary::erfc(x);
    erfcx => elementary::erfcx(x);
} {
    atan2 => elementary::atan2(x, y);
    pow => elementary::pow64(x, y);
    hypot => elementary::hypot(x, y);
});
