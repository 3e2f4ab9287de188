//! The gamma function's logarithm and its derivatives, branch-free in f64.

use super::{Real, pick, poly};
use std::f64::consts::PI;

/// log(2 pi) / 2.
const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

/// log(gamma(x)) for x > 0, within some units of f64's last place of its largest term: Stirling's series from 8 on, below
/// of x + 8 and the factors in between.
#[inline(always)]
pub(super) fn lgamma_right(x: f64) -> f64 {
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360360.0,
        1.0 / 156.0,
        -3617.0 / 122400.0,
    ];
    let low = x < 8.0;
    let z = pick(low, x + 8.0, x);
    // x (x + 1) ... (x + 7), by pairs with the sum 2 x + 7.
    let u = x * (x + 7.0);
    let factors = pick(low, u * (u + 6.0) * ((u + 10.0) * (u + 12.0)), 1.0);
    let inverse = 1.0 / z;
    let tail = inverse * poly(inverse * inverse, SERIES);
    let r = (z - 0.5).mul_add(Real::log(z), HALF_LOG_TAU - z) + tail - Real::log(factors);
    pick(x == f64::INFINITY, x, r)
}

/// |sin(pi x)|, exactly 0 at integers; NaN at infinities.
#[inline(always)]
fn sin_pi(x: f64) -> f64 {
    (PI * (x - x.round_ties_even())).sin_near().abs()
}

/// log(|gamma(x)|) with the accuracy of f32.
#[inline(always)]
pub(super) fn lgamma32(x: f64) -> f64 {
    let left = x < 0.5;
    let right = lgamma_right(pick(left, 1.0 - x, x));
    let r = pick(left, Real::log(PI / sin_pi(x)) - right, right);
    pick(x.abs() == f64::INFINITY, f64::INFINITY, r)
}

/// The derivative of log(gamma(x)): the asymptotic series from 10 on, below of x + 10 and the terms in between; reflection
/// left of 0.
#[inline(always)]
pub fn digamma(x: f64) -> f64 {
    // B(2k) / 2k.
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0, 1.0 / 12.0];
    let left = x < 0.0;
    let y = pick(left, 1.0 - x, x);
    let low = y < 10.0;
    // The terms 1 / (y + k) and 1 / (y + 9 - k) are (2 y + 9) / (y (y + 9) + k (9 - k)): five fractions, in one.
    let u = y * (y + 9.0);
    let (a, b, c, d, e) = (u, u + 8.0, u + 14.0, u + 18.0, u + 20.0);
    let (ab, cd) = (a * b, c * d);
    let numerator = (a + b).mul_add(cd * e, ab * (c + d).mul_add(e, cd));
    let terms = 2.0f64.mul_add(y, 9.0) * numerator / (ab * cd * e);
    let z = pick(low, y + 10.0, y);
    let inverse = 1.0 / z;
    let w = inverse * inverse;
    let series = Real::log(z) - 0.5f64.mul_add(inverse, w * poly(w, SERIES));
    let right = series - pick(low, terms, 0.0);
    let f = x - x.round_ties_even();
    let r = pick(left, right - PI / (PI * f).tan_near(), right);
    let r = pick(f == 0.0, pick(left, f64::NAN, right), r);
    pick(x == 0.0, f64::INFINITY.copysign(-x), r)
}

/// The second derivative of log(gamma(x)): the asymptotic series from 10 on, below of x + 10 and the terms in between;
/// reflection left of 1/2.
#[inline(always)]
pub fn trigamma(x: f64) -> f64 {
    const SERIES: [f64; 8] =
        [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0];
    let left = x < 0.5;
    let y = pick(left, 1.0 - x, x);
    let low = y < 10.0;
    // Terms k and 9 - k have the sum of their bases in common, and share a division.
    let (sum, u) = (2.0f64.mul_add(y, 9.0), y * (y + 9.0));
    let square = sum * sum;
    let mut terms = 0.0;
    for v in [u + 20.0, u + 18.0, u + 14.0, u + 8.0, u] {
        terms += (square - 2.0 * v) / (v * v);
    }
    let z = pick(low, y + 10.0, y);
    let inverse = 1.0 / z;
    let w = inverse * inverse;
    let series = inverse + w.mul_add(0.5, inverse * w * poly(w, SERIES));
    let right = pick(low, terms + series, series);
    let s = sin_pi(x) * (1.0 / PI);
    pick(left, 1.0 / (s * s) - right, right)
}
