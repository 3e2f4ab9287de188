//! Orthogonal polynomials of degree n at x, by their three-term recurrences (Abramowitz & Stegun, 22.7). Negative degrees
//! give 0.

/// Runs `p[k + 1] = next(k, p[k], p[k - 1])` from `p[0] = 1` and `p[1] = first` up to degree n.
/// Degrees from here on give NaN: the recurrence would run for seconds, and has no correct digit left.
const ABSURD: i64 = 1 << 24;

fn recur(n: i64, first: f64, next: impl Fn(f64, f64, f64) -> f64) -> f64 {
    match n {
        ..0 => 0.0,
        0 => 1.0,
        ABSURD.. => f64::NAN,
        _ => {
            let (mut before, mut p) = (1.0, first);
            for k in 1..n {
                (before, p) = (p, next(k as f64, p, before));
                if p.is_nan() {
                    break;
                }
            }
            p
        }
    }
}

/// From this degree on the closed forms inside (-1, 1) are taken, which cost the same for all degrees.
const CLOSED: i64 = 8;

fn sign(n: i64) -> f64 {
    if n % 2 == 0 { 1.0 } else { -1.0 }
}

/// Chebyshev, first kind: `cos(n acos x)`.
pub fn chebyshev_t(x: f64, n: i64) -> f64 {
    if n > CLOSED && x.abs() < 1.0 {
        return (n as f64 * x.acos()).cos();
    }
    if n > 0 && x.abs() == 1.0 {
        return if x > 0.0 { 1.0 } else { sign(n) };
    }
    recur(n, x, |_, p, q| 2.0 * x * p - q)
}

/// Chebyshev, second kind: `sin((n + 1) t) / sin t` with `t = acos x`.
pub fn chebyshev_u(x: f64, n: i64) -> f64 {
    if n > CLOSED && x.abs() < 1.0 {
        let t = x.acos();
        return ((n as f64 + 1.0) * t).sin() / t.sin();
    }
    if n > 0 && x.abs() == 1.0 {
        return (n as f64 + 1.0) * if x > 0.0 { 1.0 } else { sign(n) };
    }
    recur(n, 2.0 * x, |_, p, q| 2.0 * x * p - q)
}

/// Chebyshev, third kind: `cos((n + 1/2) t) / cos(t / 2)`.
pub fn chebyshev_v(x: f64, n: i64) -> f64 {
    if n > CLOSED && x.abs() < 1.0 {
        let t = x.acos();
        return ((n as f64 + 0.5) * t).cos() / (t / 2.0).cos();
    }
    if n > 0 && x.abs() == 1.0 {
        return if x > 0.0 { 1.0 } else { sign(n) * (2.0 * n as f64 + 1.0) };
    }
    recur(n, 2.0 * x - 1.0, |_, p, q| 2.0 * x * p - q)
}

/// Chebyshev, fourth kind: `sin((n + 1/2) t) / sin(t / 2)`.
pub fn chebyshev_w(x: f64, n: i64) -> f64 {
    if n > CLOSED && x.abs() < 1.0 {
        let t = x.acos();
        return ((n as f64 + 0.5) * t).sin() / (t / 2.0).sin();
    }
    if n > 0 && x.abs() == 1.0 {
        return if x > 0.0 { 2.0 * n as f64 + 1.0 } else { sign(n) };
    }
    recur(n, 2.0 * x + 1.0, |_, p, q| 2.0 * x * p - q)
}

/// Degree from which on torch gives NaN for Hermite's polynomials.
const HERMITE_LIMIT: i64 = 512;

/// Hermite, the physicists'.
pub fn hermite_h(x: f64, n: i64) -> f64 {
    if n > HERMITE_LIMIT {
        return f64::NAN;
    }
    recur(n, 2.0 * x, |k, p, q| 2.0 * x * p - 2.0 * k * q)
}

/// Hermite, the probabilists'.
pub fn hermite_he(x: f64, n: i64) -> f64 {
    if n > HERMITE_LIMIT {
        return f64::NAN;
    }
    recur(n, x, |k, p, q| x * p - k * q)
}

/// Laguerre.
pub fn laguerre_l(x: f64, n: i64) -> f64 {
    if n >= 0 && x == 0.0 {
        return 1.0;
    }
    recur(n, 1.0 - x, |k, p, q| ((2.0 * k + 1.0 - x) * p - k * q) / (k + 1.0))
}

/// Legendre.
pub fn legendre_p(x: f64, n: i64) -> f64 {
    if n >= 0 && x.abs() == 1.0 {
        return if x > 0.0 { 1.0 } else { sign(n) };
    }
    recur(n, x, |k, p, q| ((2.0 * k + 1.0) * x * p - k * q) / (k + 1.0))
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
            let x = (TAU * f64::from(i) / 97.0).sin() * 0.97;
            for f in [chebyshev_t, chebyshev_u, chebyshev_v, chebyshev_w] {
                let (a, b, c) = (f(x, CLOSED - 1), f(x, CLOSED), f(x, CLOSED + 1));
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
