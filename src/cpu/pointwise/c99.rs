//! Elementary functions of complex numbers, with the limits, signed zeros and branch cuts of C99's annex G.
//!
//! A zero has a sign that says on which side of a cut it lies, so no formula may lose one: a part that is zero is never added
//! to a part that is not. The inverse functions follow Kahan, "Branch cuts for complex elementary functions, or much ado
//! about nothing's sign bit" (1987), on the first quadrant, and take their signs from the argument. Each is within a few units in
//! the last place in both parts, except where the parts of [`expm1`] cancel.
//!
//! The circular functions are the hyperbolic ones with the parts swapped: with w = i conj(z), sin z = i conj(sinh w).

use crate::cpu::simd::math::Real;
use crate::tensor::dtype::C128;
use std::f64::consts::{FRAC_PI_2, LN_2};

/// e^x overflows a little above; half of it does not.
const EXP_TOP: f64 = 709.0;
/// Past it 1 is lost beside z^2.
const LARGE: f64 = 268435456.0;
/// Squares of what lies between its inverse and it neither overflow nor underflow.
const SQUARABLE: f64 = 1e150;

/// i conj(z).
#[inline(always)]
fn swap(z: C128) -> C128 {
    C128::new(z.im, z.re)
}

/// A product in which an exact zero beats infinity and NaN: of a modulus and a direction.
#[inline(always)]
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { f64::copysign(0.0, f64::copysign(1.0, a) * f64::copysign(1.0, b)) } else { a * b }
}

/// cos y and sin y; of an infinite modulus at an unknown angle the real part alone is known.
#[inline(always)]
fn direction(x: f64, y: f64) -> (f64, f64) {
    if x.is_infinite() && !y.is_finite() {
        return (1.0, f64::NAN);
    }
    let (s, c) = y.sin_cos();
    (c, s)
}

/// `factor e^|x| c` where e^|x| may overflow though the product does not.
#[inline(always)]
fn scaled(x: f64, factor: f64, c: f64) -> f64 {
    let h = f64::exp(0.5 * x.abs());
    times(times(factor * h, c), h)
}

pub(super) fn exp(z: C128) -> C128 {
    let (c, s) = direction(z.re, z.im);
    if z.re > EXP_TOP {
        return C128::new(scaled(z.re, 1.0, c), scaled(z.re, 1.0, s));
    }
    let e = f64::exp(z.re);
    C128::new(times(e, c), times(e, s))
}

/// e^z - 1 without the loss for small z.
pub(super) fn expm1(z: C128) -> C128 {
    let e = exp(z);
    if !z.im.is_finite() || !(z.re.abs() < EXP_TOP) {
        return C128::new(e.re - 1.0, e.im);
    }
    let s = f64::sin(0.5 * z.im);
    C128::new(f64::exp_m1(z.re) * f64::cos(z.im) - 2.0 * s * s, e.im)
}

pub(super) fn sinh(z: C128) -> C128 {
    let (x, (c, s)) = (z.re, direction(z.re, z.im));
    if x.abs() > EXP_TOP {
        return C128::new(scaled(x, f64::copysign(0.5, x), c), scaled(x, 0.5, s));
    }
    C128::new(times(f64::sinh(x), c), times(f64::cosh(x), s))
}

pub(super) fn cosh(z: C128) -> C128 {
    let (x, (c, s)) = (z.re, direction(z.re, z.im));
    if x.abs() > EXP_TOP {
        return C128::new(scaled(x, 0.5, c), scaled(x, f64::copysign(0.5, x), s));
    }
    C128::new(times(f64::cosh(x), c), times(f64::sinh(x), s))
}

pub(super) fn tanh(z: C128) -> C128 {
    let (x, y) = (z.re, z.im);
    if x.is_nan() {
        return C128::new(x, if y == 0.0 { y } else { f64::NAN });
    }
    if !y.is_finite() {
        return match x {
            0.0 => C128::new(x, f64::NAN),
            _ if x.is_infinite() => C128::new(f64::copysign(1.0, x), f64::copysign(0.0, y)),
            _ => C128::new(f64::NAN, f64::NAN),
        };
    }
    // 1 - tanh |x| is below half a unit, and what is left of the imaginary part may be tiny.
    if x.abs() > 22.0 {
        let (s, c) = y.sin_cos();
        return C128::new(f64::copysign(1.0, x), 4.0 * s * c * f64::exp(-2.0 * x.abs()));
    }
    let (t, s) = (f64::tan(y), f64::sinh(x));
    let secant = t.mul_add(t, 1.0);
    let d = (secant * s).mul_add(s, 1.0);
    C128::new(secant * f64::cosh(x) * s / d, t / d)
}

pub(super) fn sin(z: C128) -> C128 {
    swap(sinh(swap(z)))
}

pub(super) fn cos(z: C128) -> C128 {
    cosh(swap(z)).conj()
}

pub(super) fn tan(z: C128) -> C128 {
    swap(tanh(swap(z)))
}

/// `c + a^2 + b^2` with the errors of all roundings added at the end.
#[inline(always)]
fn plus_squares(c: f64, a: f64, b: f64) -> f64 {
    let (mut sum, mut lost) = (c, 0.0);
    for x in [a, b] {
        let square = x * x;
        let next = sum + square;
        let back = next - sum;
        lost += (sum - (next - back)) + (square - back) + x.mul_add(x, -square);
        sum = next;
    }
    sum + lost
}

/// log |a + ib|.
#[inline(always)]
fn log_abs(a: f64, b: f64) -> f64 {
    let (a, b) = (a.abs(), b.abs());
    let (big, small) = if a < b { (b, a) } else { (a, b) };
    // Not for NaN, nor for what is infinite or zero.
    if big > 1.0 / SQUARABLE && big < SQUARABLE && !small.is_nan() {
        let square = big * big + small * small;
        return if square > 0.5 && square < 2.0 {
            0.5 * f64::ln_1p(plus_squares(-1.0, big, small))
        } else {
            0.5 * f64::ln(square)
        };
    }
    let (scale, log2) = if big < 1.0 { (2f64.powi(600), 600.0) } else { (2f64.powi(-600), -600.0) };
    f64::ln(f64::hypot(a * scale, b * scale)) - log2 * LN_2
}

pub(super) fn log(z: C128) -> C128 {
    C128::new(log_abs(z.re, z.im), f64::atan2(z.im, z.re))
}

/// log(1 + z) without the loss of 1 + z for small z.
pub(super) fn log1p(z: C128) -> C128 {
    let (x, y) = (z.re, z.im);
    let square = x * (2.0 + x) + y * y;
    let modulus =
        if square > -0.5 && square < 1.0 { 0.5 * f64::ln_1p(plus_squares(2.0 * x, x, y)) } else { log_abs(1.0 + x, y) };
    C128::new(modulus, f64::atan2(y, 1.0 + x))
}

pub(super) fn sqrt(z: C128) -> C128 {
    let (x, y) = (z.re, z.im);
    let (a, b) = (x.abs(), y.abs());
    if b.is_infinite() {
        return C128::new(b, y);
    }
    if a == 0.0 && b == 0.0 {
        return C128::new(0.0, y);
    }
    if a.is_infinite() {
        let rest = if y.is_nan() { y } else { 0.0 };
        return if x > 0.0 { C128::new(a, f64::copysign(rest, y)) } else { C128::new(rest, f64::copysign(a, y)) };
    }
    // By a power of 4 to where the sum below neither overflows nor loses bits.
    let (scale, root) = match f64::max(a, b) {
        m if m > 1e300 => (2f64.powi(-4), 4.0),
        m if m < 1e-290 => (2f64.powi(108), 2f64.powi(-54)),
        _ => (1.0, 1.0),
    };
    let (a, b) = (a * scale, b * scale);
    let t = f64::sqrt(0.5 * (a + f64::hypot(a, b)));
    let other = f64::copysign(b / (2.0 * t) * root, y);
    if x.is_sign_negative() { C128::new(other.abs(), f64::copysign(t * root, y)) } else { C128::new(t * root, other) }
}

/// sqrt(1 - z), sqrt(1 + z) and the modulus of the imaginary part of asin z and acos z, for z in the first quadrant.
#[inline(always)]
fn arc(a: f64, b: f64) -> (C128, C128, f64) {
    let (p, q) = (sqrt(C128::new(1.0 - a, -b)), sqrt(C128::new(1.0 + a, b)));
    let height = if a < 1.0 && b < 1.0 / SQUARABLE {
        // The halves of b that the roots hold would be rounded to subnormal numbers.
        b / f64::sqrt((1.0 - a) * (1.0 + a))
    } else {
        Real::asinh(p.re * q.im - p.im * q.re)
    };
    (p, q, height)
}

pub(super) fn asin(z: C128) -> C128 {
    let (a, b) = (z.re.abs(), z.im.abs());
    let (re, im) = if a < LARGE && b < LARGE {
        let (p, q, height) = arc(a, b);
        (f64::atan2(a, p.re * q.re - p.im * q.im), height)
    } else {
        (if a == 0.0 { a } else { f64::atan2(a, b) }, log_abs(a, b) + LN_2)
    };
    C128::new(f64::copysign(re, z.re), f64::copysign(im, z.im))
}

pub(super) fn acos(z: C128) -> C128 {
    let (a, b) = (z.re.abs(), z.im.abs());
    let (re, im) = if a < LARGE && b < LARGE {
        let (p, q, height) = arc(a, b);
        let (p, q) = if z.re.is_sign_negative() { (q, p) } else { (p, q) };
        (2.0 * f64::atan2(p.re, q.re), height)
    } else {
        (if a == 0.0 { FRAC_PI_2 } else { f64::atan2(b, z.re) }, log_abs(a, b) + LN_2)
    };
    C128::new(re, f64::copysign(im, -z.im))
}

pub(super) fn asinh(z: C128) -> C128 {
    swap(asin(swap(z)))
}

/// i acos z or -i acos z, whichever lies on the right.
pub(super) fn acosh(z: C128) -> C128 {
    let w = acos(z);
    C128::new(w.im.abs(), f64::copysign(w.re, z.im))
}

pub(super) fn atanh(z: C128) -> C128 {
    let (a, b) = (z.re.abs(), z.im.abs());
    let (re, im) = if a < SQUARABLE && b < SQUARABLE {
        let d = 1.0 - a;
        let re = if d == 0.0 && b < 1.0 / SQUARABLE {
            0.5 * (LN_2 - f64::ln(b))
        } else {
            0.25 * f64::ln_1p(4.0 * a / (d * d + b * b))
        };
        (re, 0.5 * f64::atan2(2.0 * b, d * (1.0 + a) - b * b))
    } else {
        // 1 / z, and pi / 2.
        let unknown = b.is_nan() || (a.is_nan() && b.is_finite());
        let m = f64::max(a, b);
        let (u, v) = (a / m, b / m);
        let re = if a == 0.0 || m.is_infinite() { 0.0 } else { u / (u * u + v * v) / m };
        (re, if unknown { f64::NAN } else { FRAC_PI_2 })
    };
    C128::new(f64::copysign(re, z.re), f64::copysign(im, z.im))
}

pub(super) fn atan(z: C128) -> C128 {
    swap(atanh(swap(z)))
}

pub(super) fn reciprocal(z: C128) -> C128 {
    let m = f64::max(z.re.abs(), z.im.abs());
    if m.is_infinite() {
        return C128::new(f64::copysign(0.0, z.re), f64::copysign(0.0, -z.im));
    }
    // By a power of 2 to where the squares neither overflow nor underflow.
    let scale = match m {
        m if m > SQUARABLE => 2f64.powi(-600),
        m if m < 1.0 / SQUARABLE => 2f64.powi(600),
        _ => 1.0,
    };
    let (x, y) = (z.re * scale, z.im * scale);
    let square = x * x + y * y;
    C128::new(x / square * scale, -y / square * scale)
}

/// 1 / (1 + e^-z) by the exponential that does not overflow.
pub(super) fn sigmoid(z: C128) -> C128 {
    use super::scalar::Cplx as _;
    let one = C128::new(1.0, 0.0);
    if z.re < 0.0 {
        let e = exp(z);
        return e.divide(one + e);
    }
    reciprocal(one + exp(-z))
}
