//! Special functions: branch-free where they are used in bulk, else in f64 element by element with plain series and
//! recurrences.

use super::{Real, bessel, gamma, pick, poly, single};
use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

pub use bessel::{bessel_i, bessel_ie, bessel_k};
pub use gamma::{digamma, trigamma};

/// sqrt(2 pi).
const SQRT_TAU: f64 = 2.506_628_274_631_000_7;

/// Logarithm of |gamma(x)|.
#[inline(always)]
pub fn lgamma<R: Real>(x: R) -> R {
    R::of(if single::<R>() { gamma::lgamma32(x.f64()) } else { libm::lgamma(x.f64()) })
}

/// Hurwitz' zeta, the sum of (q + k)^-x, by Euler and Maclaurin.
pub fn zeta(x: f64, q: f64) -> f64 {
    zeta_by(x, q, &|a: f64| a.powf(-x))
}

/// [`zeta`] with a function for powers of exponent -x.
fn zeta_by(x: f64, q: f64, power: &impl Fn(f64) -> f64) -> f64 {
    // (2k)! / B(2k).
    const SERIES: [f64; 12] = [
        12.0,
        -720.0,
        30240.0,
        -1209600.0,
        47900160.0,
        -1307674368000.0 / 691.0,
        74724249600.0,
        -10670622842880000.0 / 3617.0,
        5109094217170944000.0 / 43867.0,
        -802857662698291200000.0 / 174611.0,
        14101100039391805440000.0 / 77683.0,
        -1693824136731743669452800000.0 / 236364091.0,
    ];
    if x == 1.0 {
        return f64::INFINITY;
    }
    if x < 1.0 || x.is_nan() || q.is_nan() {
        return f64::NAN;
    }
    if q.is_infinite() {
        return if q > 0.0 { 0.0 } else { f64::NAN };
    }
    if q <= 0.0 {
        if q == q.floor() {
            return f64::INFINITY;
        }
        if x != x.floor() {
            return f64::NAN;
        }
        // The sum over all integers, whose two sides depend on the fraction of q alone, less what lies left of q. Odd
        // powers cancel where the sides do.
        let (right, left) = (zeta_by(x, q - q.floor(), power), zeta_by(x, q.ceil() - q, power));
        let sign = if x % 2.0 == 0.0 { 1.0 } else { -1.0 };
        return right + sign * left - sign * zeta_by(x, 1.0 - q, power);
    }
    let (mut a, mut b) = (q, power(q));
    let mut s = b;
    let mut i = 0;
    while i < 9 || a <= 9.0 {
        i += 1;
        a += 1.0;
        b = power(a);
        s += b;
        if (b / s).abs() < f64::EPSILON / 2.0 {
            return s;
        }
    }
    let w = a;
    s += b * w / (x - 1.0) - 0.5 * b;
    let (mut a, mut k) = (1.0, 0.0);
    for c in SERIES {
        a *= x + k;
        b /= w;
        let t = a * b / c;
        s += t;
        if (t / s).abs() < f64::EPSILON / 2.0 {
            break;
        }
        a *= x + k + 1.0;
        b /= w;
        k += 2.0;
    }
    s
}

/// Derivative of order `n` of [`digamma`].
pub fn polygamma(n: i64, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    let sum = match n {
        // A few products instead of a power.
        1..=7 => zeta_by(n as f64 + 1.0, x, &|a: f64| 1.0 / (1..=n).fold(a, |p, _| p * a)),
        _ => zeta(n as f64 + 1.0, x),
    };
    let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
    sign * libm::lgamma(n as f64 + 1.0).exp() * sum
}

/// Bessel functions of the first and second kind, orders 0 and 1.
#[inline(always)]
pub fn bessel_j<R: Real>(order: u32, x: R) -> R {
    R::of(if single::<R>() { bessel::bessel_j32(order, x.f64()) } else { bessel_j_far(order, x.f64()) })
}

/// See [`bessel_j`].
#[inline(always)]
pub fn bessel_y<R: Real>(order: u32, x: R) -> R {
    R::of(if single::<R>() { bessel::bessel_y32(order, x.f64()) } else { bessel_y_far(order, x.f64()) })
}

/// Is this angle too large for the Bessel functions of f32?
#[inline(always)]
pub fn bessel_is_far<R: Real>(x: R) -> bool {
    single::<R>() & x.f64().is_far()
}

/// [`bessel_j`] of any f64.
pub fn bessel_j_far(order: u32, x: f64) -> f64 {
    if order == 0 { libm::j0(x) } else { libm::j1(x) }
}

/// [`bessel_y`] of any f64.
pub fn bessel_y_far(order: u32, x: f64) -> f64 {
    if order == 0 { libm::y0(x) } else { libm::y1(x) }
}

/// The regularised lower (or, if `upper`, upper) incomplete gamma function.
#[inline(always)]
pub fn incomplete_gamma<R: Real>(a: R, x: R, upper: bool) -> R {
    // Sums end where their terms no longer show.
    let least = if single::<R>() { 1e-10 } else { 1e-17 };
    R::of(incomplete_gamma64(a.f64(), x.f64(), upper, least))
}

#[inline(always)]
fn incomplete_gamma64(a: f64, x: f64, upper: bool, least: f64) -> f64 {
    let done = |lower: f64| if upper { 1.0 - lower } else { lower };
    if a < 0.0 || x < 0.0 || a.is_nan() || x.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 {
        return if x > 0.0 { done(1.0) } else { f64::NAN };
    }
    if x == 0.0 {
        return done(0.0);
    }
    if a == f64::INFINITY {
        return if x == f64::INFINITY { f64::NAN } else { done(0.0) };
    }
    if x == f64::INFINITY {
        return done(1.0);
    }
    if a > 1e6 {
        return incomplete_gamma_large(a, x, upper);
    }
    let factor = Real::exp(a * Real::log(x) - x - gamma::lgamma_right(a));
    if x < a + 1.0 {
        // Sum of x^k / (a (a+1) ... (a+k)).
        let (mut term, mut n) = (1.0 / a, a);
        let mut sum = term;
        while term > sum * least {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return done(sum * factor);
    }
    // Legendre's continued fraction by Lentz' method.
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..100_000 {
        let i = i as f64;
        let n = i * (a - i);
        b += 2.0;
        d = 1.0 / (n * d + b);
        c = b + n / c;
        h *= d * c;
        if (d * c - 1.0).abs() < least.max(f64::EPSILON) {
            break;
        }
    }
    if upper { h * factor } else { 1.0 - h * factor }
}

/// The first two terms of Temme's uniform expansion (SIAM J. Math. Anal. 10, 1979): a relative error of about 1/a^2.
fn incomplete_gamma_large(a: f64, x: f64, upper: bool) -> f64 {
    let mu = (x - a) / a;
    // eta^2 / 2 = mu - log(1 + mu).
    let half = if mu.abs() < 1e-3 {
        mu * mu * (0.5 - mu * (1.0 / 3.0 - mu * (0.25 - mu * (0.2 - mu / 6.0))))
    } else {
        mu - mu.ln_1p()
    };
    let eta = (2.0 * half).sqrt().copysign(mu);
    let c = if eta.abs() < 1e-3 { -1.0 / 3.0 + eta / 12.0 } else { 1.0 / mu - 1.0 / eta };
    let rest = (-a * half).exp() / (2.0 * PI * a).sqrt() * c;
    let t = eta * (0.5 * a).sqrt();
    if upper { 0.5 * libm::erfc(t) + rest } else { 0.5 * libm::erfc(-t) - rest }
}

/// sin(x) / x of an x with that sine.
#[inline(always)]
pub fn spherical_bessel_j0<R: Real>(x: R, sin: R) -> R {
    let r = pick(x == R::ZERO, R::ONE, sin / x);
    pick(x.abs() == R::INF, R::ZERO, r)
}

/// The standard normal distribution function.
#[inline(always)]
pub fn ndtr(x: f64) -> f64 {
    0.5 * Real::erfc(-x * (1.0 / SQRT_2))
}

/// Its logarithm, without underflow.
#[inline(always)]
pub fn log_ndtr(x: f64) -> f64 {
    let t = x * (1.0 / SQRT_2);
    let left = Real::log(0.5 * Real::erfcx(-t)) - t * t;
    let right = Real::log1p(-0.5 * Real::erfc(t));
    pick(x < -1.0, left, right)
}

/// The z >= 0 with P(Z <= z) = 1/2 + d for a standard normal Z, where q = 1/2 - d is exact for small q, d for small d:
/// two of Halley's steps from a guess.
#[inline(always)]
fn normal_quantile(d: f64, q: f64) -> f64 {
    // Abramowitz and Stegun 26.2.23, within 4.5e-4; near the middle the first terms of the power series.
    let t = (-2.0 * Real::log(q)).sqrt();
    let num = t.mul_add(t.mul_add(0.010328, 0.802853), 2.515517);
    let den = t.mul_add(t.mul_add(t.mul_add(0.001308, 0.189269), 1.432788), 1.0);
    let w = d * SQRT_TAU;
    let middle = d < 0.25;
    let series = (w * w).mul_add(7.0 / 120.0, 1.0 / 6.0);
    let z = pick(middle, w.mul_add(w * w * series, w), t - num / den);
    halley(halley(z, d, q, middle), d, q, middle)
}

/// One step of [`normal_quantile`].
#[inline(always)]
fn halley(z: f64, d: f64, q: f64, middle: bool) -> f64 {
    let y = z * (1.0 / SQRT_2);
    let inverse_density = SQRT_TAU * Real::exp(0.5 * z * z);
    // P(Z <= z) minus its target, from the side that does not cancel.
    let inside = (0.5 * Real::erf(y) - d) * inverse_density;
    let outside = q * inverse_density - (0.5 * SQRT_TAU) * Real::erfcx(y);
    let u = pick(middle, inside, outside);
    z - u / (0.5 * z * u + 1.0)
}

/// Inverse of erf.
#[inline(always)]
pub fn erfinv<R: Real>(x: R) -> R {
    let a = x.abs();
    let y = if single::<R>() {
        // M. Giles, Approximating the erfinv function, GPU Computing Gems (2011): one polynomial for each side of w = 5.
        let w = -(-x).fma(x, R::ONE).log();
        let middle = poly(w.fma(R::of(0.4), -R::ONE), super::core::ERFINV32_MIDDLE);
        let t = (w.sqrt() - R::of(3.218033988749895)) * R::of(1.018365186313258);
        a * pick(w < R::of(5.0), middle, poly(t, super::core::ERFINV32_TAIL))
    } else {
        let a = a.f64();
        let y = normal_quantile(0.5 * a, 0.5 - 0.5 * a) * (1.0 / SQRT_2);
        // Where erf is its first term the series of the guess is exact already.
        R::of(pick(a < 1e-9, a * (1.0 / FRAC_2_SQRT_PI), y))
    };
    let y = pick(a == R::ONE, R::INF, y);
    pick(a > R::ONE, R::NAN, y).copysign(x)
}

/// [`normal_quantile`] with the accuracy of f32, down to its least q: polynomials for z / (2 d) in powers of
/// w / 4 - 1, w = -log(4 q (1 - q)), and beyond w = 8 for z / (2 d sqrt(w)) in those of what [`QUANTILE32_RANGE`] makes of
/// (sqrt(w) - 1) / (sqrt(w) + 1). Relative errors 1.3e-9 and 2.1e-9.
#[inline(always)]
fn normal_quantile32(d: f64, q: f64) -> f64 {
    let w = -Real::log(4.0 * q * (1.0 - q));
    let root = w.sqrt();
    let t = ((root - 1.0) / (root + 1.0)).mul_add(QUANTILE32_RANGE.0, QUANTILE32_RANGE.1);
    let z = pick(w < 8.0, poly(w.mul_add(0.25, -1.0), QUANTILE32_MIDDLE), root * poly(t, QUANTILE32_TAIL));
    2.0 * d * z
}

/// Inverse of the standard normal distribution function.
#[inline(always)]
pub fn ndtri<R: Real>(p: R) -> R {
    let p = p.f64();
    let low = p < 0.5;
    let q = pick(low, p, 1.0 - p);
    let d = (p - 0.5).abs();
    let z = if single::<R>() { normal_quantile32(d, q) } else { normal_quantile(d, q) };
    let z = pick(q == 0.0, f64::INFINITY, z);
    let z = pick(q < 0.0, f64::NAN, z);
    R::of(pick(low, -z, z))
}

const QUANTILE32_MIDDLE: [f64; 14] = [
    2.6287106271047613,
    1.2917691871026769,
    -0.16339360299378,
    -0.018461860082346133,
    0.04303276432842929,
    -0.022465010959050073,
    0.0028537991232912454,
    0.004095234392515622,
    -0.00320734709116116,
    0.0007080593116714827,
    0.0006064939428464737,
    -0.0004538965066752585,
    -2.435111499978269e-05,
    7.253098779855302e-05,
];
const QUANTILE32_TAIL: [f64; 12] = [
    1.368200584608081,
    0.036043528612191136,
    -0.003531611034191918,
    -0.001656594089530794,
    0.00019645767064919902,
    -3.428358186275882e-05,
    9.38523544383803e-06,
    -8.147168995579084e-05,
    0.0001190393376680385,
    -4.437128300605077e-05,
    -2.9042997634627386e-05,
    1.8687145709438258e-05,
];
const QUANTILE32_RANGE: (f64, f64) = (5.816721142525637, -3.778020938503202);
