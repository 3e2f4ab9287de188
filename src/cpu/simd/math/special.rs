//! Special functions in f64, element by element: none is on a hot path, so that plain series and recurrences will do.
//! (`normal_quantile` is branch-free, for its use in initialisation.)

use super::{Real, pick};
use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

/// Euler's constant.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// sqrt(2 pi).
const SQRT_TAU: f64 = 2.506_628_274_631_000_7;

/// Logarithm of |gamma(x)|.
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Derivative of [`lgamma`]: recurrence up to 10, then the asymptotic series; reflection below 0.
pub fn digamma(x: f64) -> f64 {
    // B(2k) / 2k.
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0, 1.0 / 12.0];
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        if x.trunc() == x {
            return f64::NAN;
        }
        return digamma(1.0 - x) - PI / (PI * x.fract()).tan();
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let tail = SERIES.iter().rev().fold(0.0, |p, c| (p + c) * z);
    sum + x.ln() - 0.5 / x - tail
}

/// Hurwitz' zeta, the sum of (q + k)^-x, by Euler and Maclaurin.
pub fn zeta(x: f64, q: f64) -> f64 {
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
        let (right, left) = (zeta(x, q - q.floor()), zeta(x, q.ceil() - q));
        let sign = if x % 2.0 == 0.0 { 1.0 } else { -1.0 };
        return right + sign * left - sign * zeta(x, 1.0 - q);
    }
    let (mut a, mut b) = (q, q.powf(-x));
    let mut s = b;
    let mut i = 0;
    while i < 9 || a <= 9.0 {
        i += 1;
        a += 1.0;
        b = a.powf(-x);
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
    let n = n as f64;
    let sign = if n % 2.0 == 0.0 { -1.0 } else { 1.0 };
    sign * lgamma(n + 1.0).exp() * zeta(n + 1.0, x)
}

/// exp(-|x|) I_v(x) for v = 0, 1: the power series up to 20, the asymptotic one beyond, where it gains a digit per term.
pub fn bessel_ie(order: u32, x: f64) -> f64 {
    let (a, v) = (x.abs(), order as f64);
    let r = if a == f64::INFINITY {
        0.0
    } else if a <= 20.0 {
        (-a).exp() * bessel_series(v, a)
    } else {
        let (mut term, mut sum, mut k) = (1.0f64, 1.0, 1.0);
        while term.abs() > 1e-17 && k < 40.0 {
            let odd = 2.0 * k - 1.0;
            term *= (odd * odd - 4.0 * v * v) / (8.0 * a * k);
            sum += term;
            k += 1.0;
        }
        sum / (2.0 * PI * a).sqrt()
    };
    if order == 1 { r.copysign(x) } else { r }
}

/// I_v(x) for v = 0, 1.
pub fn bessel_i(order: u32, x: f64) -> f64 {
    let a = x.abs();
    if a <= 20.0 {
        let r = bessel_series(order as f64, a);
        return if order == 1 { r.copysign(x) } else { r };
    }
    if a == f64::INFINITY {
        return if order == 1 { x } else { a };
    }
    // e^a overflows before the product does.
    let half = (0.5 * a).exp();
    bessel_ie(order, x) * half * half
}

/// The power series of I_v.
fn bessel_series(v: f64, x: f64) -> f64 {
    let q = 0.25 * x * x;
    let mut term = if v == 0.0 { 1.0 } else { 0.5 * x };
    let (mut sum, mut k) = (term, 1.0);
    while term > 1e-17 * sum {
        term *= q / (k * (k + v));
        sum += term;
        k += 1.0;
    }
    sum // a NaN ends the loop at once
}

/// K_v(x) for v = 0, 1, times e^x if `scaled`: series up to 2, beyond the trapezoidal rule on the integral of
/// e^(-x cosh t) cosh(v t), whose error falls off double-exponentially.
pub fn bessel_k(order: u32, x: f64, scaled: bool) -> f64 {
    if x < 0.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::INFINITY;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    if x > 2.0 {
        // The integrand is a bell of width x^-1/2.
        let step = (1.0 / 16.0) * (32.0 / x).sqrt().min(1.0);
        let (mut sum, mut k) = (0.5, 1.0);
        loop {
            let t: f64 = k * step;
            let s = (0.5 * t).sinh();
            let term = (-2.0 * x * s * s).exp() * if order == 0 { 1.0 } else { t.cosh() };
            sum += term;
            if term < 1e-18 * sum {
                break;
            }
            k += 1.0;
        }
        return step * sum * if scaled { 1.0 } else { (-x).exp() };
    }
    let (q, log) = (0.25 * x * x, (0.5 * x).ln());
    // Sum of q^k / (k! (k+v)!) (psi(k+1) + psi(k+v+1)) / 2, log taken out.
    let v = order as f64;
    let mut psi = -EULER_GAMMA + 0.5 * v;
    let (mut term, mut sum, mut k) = (1.0, psi, 1.0);
    while term > 1e-18 {
        term *= q / (k * (k + v));
        psi += 0.5 / k + 0.5 / (k + v);
        sum += term * psi;
        k += 1.0;
    }
    let r = if order == 0 {
        sum - log * bessel_series(0.0, x)
    } else {
        1.0 / x + log * bessel_series(1.0, x) - 0.5 * x * sum
    };
    if scaled { r * x.exp() } else { r }
}

/// Bessel functions of the first and second kind, orders 0 and 1.
pub fn bessel_j(order: u32, x: f64) -> f64 {
    if order == 0 { libm::j0(x) } else { libm::j1(x) }
}

/// See [`bessel_j`].
pub fn bessel_y(order: u32, x: f64) -> f64 {
    if order == 0 { libm::y0(x) } else { libm::y1(x) }
}

/// The regularised lower (or, if `upper`, upper) incomplete gamma function.
pub fn incomplete_gamma(a: f64, x: f64, upper: bool) -> f64 {
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
    let factor = (a * x.ln() - x - lgamma(a)).exp();
    if x < a + 1.0 {
        // Sum of x^k / (a (a+1) ... (a+k)).
        let (mut term, mut n) = (1.0 / a, a);
        let mut sum = term;
        while term > sum * 1e-17 {
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
        if (d * c - 1.0).abs() < f64::EPSILON {
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

/// sin(x) / x.
pub fn spherical_bessel_j0(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    if x == 0.0 { 1.0 } else { x.sin() / x }
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
    let z = pick(middle, w.mul_add(w * w * (1.0 / 6.0), w), t - num / den);
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
pub fn erfinv(x: f64) -> f64 {
    let a = x.abs();
    let y = normal_quantile(0.5 * a, 0.5 - 0.5 * a) * (1.0 / SQRT_2);
    // Where erf is its first term the series of the guess is exact already.
    let y = pick(a < 1e-9, a * (1.0 / FRAC_2_SQRT_PI), y);
    let y = pick(a == 1.0, f64::INFINITY, y);
    pick(a > 1.0, f64::NAN, y).copysign(x)
}

/// Inverse of the standard normal distribution function.
#[inline(always)]
pub fn ndtri(p: f64) -> f64 {
    let low = p < 0.5;
    let q = pick(low, p, 1.0 - p);
    let z = normal_quantile((p - 0.5).abs(), q);
    let z = pick(q == 0.0, f64::INFINITY, z);
    let z = pick(q < 0.0, f64::NAN, z);
    pick(low, -z, z)
}
