//! Orthogonal polynomials of degree n at x, by their three-term recurrences (Abramowitz & Stegun, 22.7), a block of
//! elements at a time. Negative degrees give 0.

use super::{BLOCK, Real, pick};
use std::array::from_fn;

/// Degrees from here on give NaN: the recurrence would run for seconds, and has no correct digit left.
const ABSURD: i64 = 1 << 24;
/// Above this degree the closed forms inside (-1, 1) are taken, which cost the same for all degrees.
const CLOSED: f64 = 8.0;
/// Up to this degree a block's elements wait for each other.
const TOGETHER: f64 = 64.0;
/// Degree above which torch gives NaN for Hermite's polynomials.
const HERMITE_LIMIT: i64 = 512;

/// Runs `p[k + 1] = next(k, p[k], p[k - 1])` from `p[0] = 1` and `p[1] = first` up to a degree n >= 1.
fn recur(n: i64, first: f64, next: impl Fn(f64, f64, f64) -> f64) -> f64 {
    if n >= ABSURD {
        return f64::NAN;
    }
    let (mut before, mut p) = (1.0, first);
    for k in 1..n {
        (before, p) = (p, next(k as f64, p, before));
        if p.is_nan() {
            break;
        }
    }
    p
}

/// The polynomials of the integral parts of `n`; of degrees above `most` by `high`.
#[inline(always)]
fn block<R: Real>(
    x: [f64; BLOCK],
    n: [R; BLOCK],
    most: f64,
    first: impl Fn(f64) -> f64,
    next: impl Fn(f64, f64, f64, f64) -> f64,
    high: impl Fn(f64, i64) -> f64,
) -> [R; BLOCK] {
    let n: [f64; BLOCK] = from_fn(|i| pick(n[i].is_nan(), 0.0, n[i].f64().trunc()));
    let top = n.iter().fold(0.0, |top, &n| pick(n > top, n, top));
    let (mut before, mut p) = ([1.0; BLOCK], x.map(first));
    for k in 1..pick(top > most, most, top) as usize {
        let k = k as f64;
        for i in 0..BLOCK {
            let ended = k >= n[i];
            let new = next(x[i], k, p[i], before[i]);
            before[i] = pick(ended, before[i], p[i]);
            p[i] = pick(ended, p[i], new);
        }
    }
    for i in 0..BLOCK {
        p[i] = pick(n[i] > 0.0, p[i], pick(n[i] < 0.0, 0.0, 1.0));
    }
    if top > most {
        for i in 0..BLOCK {
            if n[i] > most {
                p[i] = high(x[i], n[i] as i64);
            }
        }
    }
    p.map(R::of)
}

fn sign(n: i64) -> f64 {
    if n % 2 == 0 { 1.0 } else { -1.0 }
}

/// Families: the degree up to which a block is computed together, the polynomial of degree 1, the recurrence, and what
/// takes its place at high degrees for some x.
macro_rules! families {
    ($($(#[$m:meta])* $name:ident: $most:expr, |$x:ident| $first:expr, |$k:ident, $p:ident, $q:ident| $next:expr, |$n:ident| $closed:expr;)+) => { $(
        $(#[$m])*
        #[inline(always)]
        pub fn $name<R: Real>(x: [f64; BLOCK], n: [R; BLOCK]) -> [R; BLOCK] {
            #[inline(always)]
            fn next($x: f64, $k: f64, $p: f64, $q: f64) -> f64 {
                $next
            }
            fn high($x: f64, $n: i64) -> f64 {
                let closed: Option<f64> = $closed;
                closed.unwrap_or_else(|| recur($n, $first, |k, p, q| next($x, k, p, q)))
            }
            block(x, n, $most, |$x| $first, next, high)
        }
    )+ };
}

/// A closed form in `t = acos x` inside (-1, 1), and values at 1 and -1.
fn closed(x: f64, inside: impl Fn(f64) -> f64, right: f64, left: f64) -> Option<f64> {
    match x {
        1.0 => Some(right),
        -1.0 => Some(left),
        _ if x.abs() < 1.0 => Some(inside(x.acos())),
        _ => None,
    }
}

families! {
    /// Chebyshev, first kind: `cos(n t)` with `t = acos x`.
    chebyshev_t: CLOSED, |x| x, |_k, p, q| 2.0 * x * p - q,
        |n| closed(x, |t| (n as f64 * t).cos(), 1.0, sign(n));
    /// Chebyshev, second kind: `sin((n + 1) t) / sin t`.
    chebyshev_u: CLOSED, |x| 2.0 * x, |_k, p, q| 2.0 * x * p - q,
        |n| closed(x, |t| ((n as f64 + 1.0) * t).sin() / t.sin(), n as f64 + 1.0, (n as f64 + 1.0) * sign(n));
    /// Chebyshev, third kind: `cos((n + 1/2) t) / cos(t / 2)`.
    chebyshev_v: CLOSED, |x| 2.0 * x - 1.0, |_k, p, q| 2.0 * x * p - q,
        |n| closed(x, |t| ((n as f64 + 0.5) * t).cos() / (t / 2.0).cos(), 1.0, sign(n) * (2.0 * n as f64 + 1.0));
    /// Chebyshev, fourth kind: `sin((n + 1/2) t) / sin(t / 2)`.
    chebyshev_w: CLOSED, |x| 2.0 * x + 1.0, |_k, p, q| 2.0 * x * p - q,
        |n| closed(x, |t| ((n as f64 + 0.5) * t).sin() / (t / 2.0).sin(), 2.0 * n as f64 + 1.0, sign(n));
    /// Hermite, the physicists'.
    hermite_h: TOGETHER, |x| 2.0 * x, |k, p, q| 2.0 * x * p - 2.0 * k * q,
        |n| (n > HERMITE_LIMIT).then_some(f64::NAN);
    /// Hermite, the probabilists'.
    hermite_he: TOGETHER, |x| x, |k, p, q| x * p - k * q,
        |n| (n > HERMITE_LIMIT).then_some(f64::NAN);
    /// Laguerre.
    laguerre_l: TOGETHER, |x| 1.0 - x, |k, p, q| ((2.0 * k + 1.0 - x) * p - k * q) / (k + 1.0),
        |n| (x == 0.0).then_some(1.0);
    /// Legendre.
    legendre_p: TOGETHER, |x| x, |k, p, q| ((2.0 * k + 1.0) * x * p - k * q) / (k + 1.0),
        |n| (x.abs() == 1.0).then(|| if x > 0.0 { 1.0 } else { sign(n) });
}

/// Mantissa in `[0.5, 1)` and exponent with `x = mantissa 2^exponent`; 0, infinities and NaN have exponent 0.
pub fn frexp(x: f64) -> (f64, i32) {
    const FIELD: u64 = 0x7ff << 52;
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // Subnormal numbers are made normal first.
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(54), 54) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = ((bits & FIELD) >> 52) as i32 - 1022 - shift;
    (f64::from_bits(bits & !FIELD | 1022 << 52), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn closed_forms_and_recurrences_agree() {
        for i in 0..40 {
            let x = f64::sin(TAU * f64::from(i) / 97.0) * 0.97;
            for f in [chebyshev_t, chebyshev_u, chebyshev_v, chebyshev_w] {
                let y = f([x; BLOCK], from_fn(|i| i as f64));
                let (a, b, c) = (y[7], y[8], y[9]);
                assert!((c - (2.0 * x * b - a)).abs() < 1e-10, "{x}: {a} {b} {c}");
            }
        }
    }

    #[test]
    fn frexp_takes_subnormal_numbers() {
        for x in [1.0, -3.5, 5e-324, 1e-310, 0.5, f64::MAX] {
            let (m, e) = frexp(x);
            assert!((0.5..1.0).contains(&m.abs()));
            assert_eq!(m * 2f64.powi(e / 2) * 2f64.powi(e - e / 2), x);
        }
        assert_eq!(frexp(0.0), (0.0, 0));
    }
}
