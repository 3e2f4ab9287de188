//! How samples of the gamma and the beta distribution move with their shape: `-(dF(x; a) / da) / f(x; a)`, F the
//! distribution function and f the density (Figurnov, Mohamed & Mnih 2018, "Implicit reparameterization gradients").
//!
//! The derivative of F is an integral of `(log t - E log t) f(t)` up to x, or the negative of the rest, whichever is
//! smaller. Over f(x), and in terms of the logarithm of t / x, its integrand begins at `log x - E log t` and falls off at
//! least exponentially. Double exponential quadrature for such integrands reaches it at all scales (Takahasi & Mori 1974).

use super::special::digamma;
use super::{BLOCK, Real, pick, single};
use std::sync::LazyLock;

/// Nodes s > 0 and their weights.
type Rule = LazyLock<Vec<(f64, f64)>>;

/// Nodes `s = exp(u - exp(-u))` for u from `first` to `last`.
fn nodes(first: f64, last: f64, step: f64) -> Vec<(f64, f64)> {
    let node = |k: usize| {
        let u = first + step * k as f64;
        let s = (u - (-u).exp()).exp();
        (s, step * (1.0 + (-u).exp()) * s)
    };
    (0..=((last - first) / step).round() as usize).map(node).collect()
}

/// As many as the accuracy of a type asks for; upper ends of the gamma distribution, which fall off as exp(-exp(s)), need
/// more than those of the beta distribution.
static GAMMA32: Rule = LazyLock::new(|| nodes(-2.75, 3.25, 0.15));
static BETA32: Rule = LazyLock::new(|| nodes(-2.75, 3.25, 0.25));
static QUICK: Rule = LazyLock::new(|| nodes(-2.6, 3.1, 0.3));
static FINE: Rule = LazyLock::new(|| nodes(-3.24, 3.6, 0.12));

/// Where the integrand with the exponents `slope s - curve s^2 / 2` for small s is 1/e, so that nodes are dense there.
#[inline(always)]
fn scale(slope: f64, curve: f64) -> f64 {
    2.0 / (slope.abs() + slope.mul_add(slope, 2.0 * curve).sqrt())
}

/// Up to this x of the gamma distribution the power series is quicker, and it knows no scales.
const NEAR: f64 = 4.0;

/// How samples `x` of the gamma distribution with shapes `a` and rate 1 move with `a`.
#[inline(always)]
pub fn gamma<R: Real>(a: [R; BLOCK], x: [R; BLOCK]) -> [R; BLOCK] {
    let (a, x) = (a.map(R::f64), x.map(R::f64));
    let far = x.map(|x| x > NEAR);
    let mut y = [0.0; BLOCK];
    if far != [true; BLOCK] {
        for i in 0..BLOCK {
            y[i] = if single::<R>() { gamma_near::<24>(a[i], x[i]) } else { gamma_near::<34>(a[i], x[i]) };
        }
    }
    if far != [false; BLOCK] {
        let beyond = gamma_far::<R>(&a, &x);
        for i in 0..BLOCK {
            y[i] = pick(far[i], beyond[i], y[i]);
        }
    }
    std::array::from_fn(|i| R::of(pick(x[i] == 0.0, 0.0, y[i])))
}

/// By the derivative of F's power series: of the terms `x^k / ((a + 1) ... (a + k))`, times f x / a.
#[inline(always)]
fn gamma_near<const TERMS: usize>(a: f64, x: f64) -> f64 {
    let (mut term, mut harmonic, mut sum, mut moved) = (1.0, 0.0, 1.0, 0.0f64);
    for k in 0..TERMS {
        let inverse = 1.0 / (a + (k + 1) as f64);
        term *= x * inverse;
        harmonic += inverse;
        sum += term;
        moved += harmonic * term;
    }
    // digamma(a) + 1 / a, of which little is left where a is small.
    x / a * (moved - sum * (Real::log(x) - digamma(a + 1.0)))
}

/// `exp(x) - 1` and `log(1 + x)`, for f32 without care for small x: it has bits to spare.
#[inline(always)]
fn expm1<R: Real>(x: f64) -> f64 {
    if single::<R>() { Real::exp(x) - 1.0 } else { Real::expm1(x) }
}

/// See [`expm1`].
#[inline(always)]
fn log1p<R: Real>(x: f64) -> f64 {
    if single::<R>() { Real::log(1.0 + x) } else { Real::log1p(x) }
}

/// By quadrature; t is `x exp(s)` above a, `x exp(-s)` below.
#[inline(always)]
fn gamma_far<R: Real>(a: &[f64; BLOCK], x: &[f64; BLOCK]) -> [f64; BLOCK] {
    let rule: &[(f64, f64)] = if single::<R>() { &GAMMA32 } else { &FINE };
    let (mut log, mut step) = ([0.0; BLOCK], [0.0; BLOCK]);
    for i in 0..BLOCK {
        log[i] = Real::log(x[i]) - digamma(a[i]);
        step[i] = scale(a[i] - x[i], x[i]).copysign(x[i] - a[i]);
    }
    let mut sum = [0.0; BLOCK];
    for &(s, weight) in rule {
        for i in 0..BLOCK {
            let r = step[i] * s;
            let e = a[i] * r - x[i] * expm1::<R>(r);
            sum[i] = (weight * (log[i] + r)).mul_add(Real::exp(e), sum[i]);
        }
    }
    std::array::from_fn(|i| x[i] * step[i] * sum[i])
}

/// How samples `x` of the beta distribution with shapes `a` and `total - a` move with `a` while the other shape stays,
/// over 1 - x.
#[inline(always)]
pub fn beta<R: Real>(x: [R; BLOCK], a: [R; BLOCK], total: [R; BLOCK]) -> [R; BLOCK] {
    let (x, a, total) = (x.map(R::f64), a.map(R::f64), total.map(R::f64));
    let (mut log, mut step, mut odds) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let (mut p, mut q, mut low) = ([0.0; BLOCK], [0.0; BLOCK], [false; BLOCK]);
    for i in 0..BLOCK {
        let (x, a, b) = (x[i], a[i], total[i] - a[i]);
        // Below the mean t = x exp(-s) and 1 - t = (1 - x) + x (1 - exp(-s)); above it 1 - t = (1 - x) exp(-s), so that
        // t / x is 1 + (1 - exp(-s)) (1 - x) / x.
        low[i] = x * total[i] <= a;
        odds[i] = pick(low[i], x, 1.0 - x) / pick(low[i], 1.0 - x, x);
        (p[i], q[i]) = (pick(low[i], b, a) - 1.0, pick(low[i], a, b));
        log[i] = Real::log(x) - (digamma(a) - digamma(total[i]));
        // The power p of `1 + odds (1 - exp(-s))` shapes the integrand where it holds up a steep exp(-q s).
        let bend = pick((p[i] > 0.0) & (q[i] > 0.5), p[i] * odds[i], 0.0);
        step[i] = scale(bend - q[i], bend * (1.0 + odds[i]));
    }
    // A coarse rule does not see what bends the longest tails near x.
    let coarse = std::array::from_fn(|i| single::<R>() & (q[i] > 0.3) & ((p[i] >= 0.0) | (odds[i] < 64.0)));
    // Small exponents do not magnify the rounding of f32.
    let quick: [bool; BLOCK] = std::array::from_fn(|i| coarse[i] & (total[i] < 32.0));
    let parts = [&step, &odds, &p, &q, &log];
    let mut sum = [0.0; BLOCK];
    if quick != [false; BLOCK] {
        sum = beta_integral::<f32>(&QUICK, parts, &low, Real::expm1, Real::log1p);
    }
    if coarse != quick {
        let more = beta_integral::<f64>(&BETA32, parts, &low, expm1::<R>, log1p::<R>);
        sum = std::array::from_fn(|i| pick(quick[i], sum[i], more[i]));
    }
    if coarse != [true; BLOCK] {
        let fine = beta_integral::<f64>(&FINE, parts, &low, Real::expm1, Real::log1p);
        sum = std::array::from_fn(|i| pick(coarse[i], sum[i], fine[i]));
    }
    std::array::from_fn(|i| {
        let y = pick(low[i], -odds[i], 1.0) * step[i] * sum[i];
        let y = pick((x[i] == 0.0) | (x[i] == 1.0), 0.0, y);
        R::of(pick((x[i] >= 0.0) & (x[i] <= 1.0), y, f64::NAN))
    })
}

/// In the arithmetic of F, in which the parts are rounded.
#[inline(always)]
fn beta_integral<F: Real>(
    rule: &[(f64, f64)],
    parts: [&[f64; BLOCK]; 5],
    low: &[bool; BLOCK],
    expm1: impl Fn(F) -> F,
    log1p: impl Fn(F) -> F,
) -> [f64; BLOCK] {
    let [step, odds, p, q, log] = parts.map(|part| part.map(F::of));
    let mut sum = [F::ZERO; BLOCK];
    for &(s, weight) in rule {
        let (s, weight) = (F::of(s), F::of(weight));
        for i in 0..BLOCK {
            let r = step[i] * s;
            let up = log1p(-odds[i] * expm1(-r));
            let e = p[i] * up - q[i] * r;
            let value = log[i] + pick(low[i], -r, up);
            sum[i] = (weight * value).fma(Real::exp(e), sum[i]);
        }
    }
    sum.map(F::f64)
}
