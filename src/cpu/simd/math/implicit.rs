//! How samples of the gamma and the beta distribution move with their shape: `-(dF(x; a) / da) / f(x; a)`, F the
//! distribution function and f the density (Figurnov, Mohamed & Mnih 2018, "Implicit reparameterization gradients").
//!
//! The derivative of F is an integral of `(log t - E log t) f(t)` up to x, or the negative of the rest, whichever is
//! smaller. Over f(x), and in terms of the logarithm of t / x, its integrand begins at `log x - E log t` and falls off.
//! Double exponential quadrature reaches it at all scales (Takahasi & Mori 1974).

use super::special::digamma;
use std::f64::consts::FRAC_PI_2;
use std::sync::LazyLock;

/// Distance of the nodes, in the variable u of `s = exp(pi/2 sinh u)`, and where the first one lies.
const STEP: f64 = 0.05;
const FIRST: f64 = -3.5;
const NODES: usize = 125;

/// Nodes s > 0 and their weights.
static QUADRATURE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let node = |k: usize| {
        let u = FIRST + STEP * k as f64;
        let s = (FRAC_PI_2 * u.sinh()).exp();
        (s, STEP * FRAC_PI_2 * u.cosh() * s)
    };
    (0..NODES).map(node).collect()
});

/// The integral from 0 to infinity of `value(s) * exp(exponent(s))`, which falls off: at 0 by `slope`, and with the
/// curvature `curve`.
fn integral(slope: f64, curve: f64, exponent: impl Fn(f64) -> f64, value: impl Fn(f64) -> f64) -> f64 {
    // Where most of it lies is where nodes are dense.
    let scale = 1.0 / (slope.abs() + curve.sqrt());
    let term = |&(s, weight): &(f64, f64)| {
        let e = exponent(scale * s);
        // What is gone may have a value without bounds.
        if e > -745.0 { weight * value(scale * s) * e.exp() } else { 0.0 }
    };
    scale * QUADRATURE.iter().map(term).sum::<f64>()
}

/// How a sample `x` of the gamma distribution with shape `a` and rate 1 moves with `a`.
pub fn gamma(a: f64, x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    let log = x.ln() - digamma(a);
    // t = x exp(side * s)
    let side = if x > a { 1.0 } else { -1.0 };
    side * x * integral(a - x, x, |s| side * a * s - x * (side * s).exp_m1(), |s| log + side * s)
}

/// How a sample `x` of the beta distribution with shapes `a` and `total - a` moves with `a` while the other shape stays,
/// over 1 - x.
pub fn beta(x: f64, a: f64, total: f64) -> f64 {
    let b = total - a;
    let mean = digamma(a) - digamma(total);
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    if x * total <= a {
        // t = x exp(-s), 1 - t = (1 - x) + x (1 - exp(-s))
        let odds = x / (1.0 - x);
        let log = x.ln() - mean;
        let (slope, curve) = ((b - 1.0) * odds - a, (b - 1.0).abs() * odds * (1.0 + odds));
        return -odds * integral(slope, curve, |s| (b - 1.0) * (-odds * (-s).exp_m1()).ln_1p() - a * s, |s| log - s);
    }
    // 1 - t = (1 - x) exp(-s), so that log(t / x) is that of 1 + (1 - exp(-s)) (1 - x) / x.
    let odds = (1.0 - x) / x;
    let up = |s: f64| (-odds * (-s).exp_m1()).ln_1p();
    let log = x.ln() - mean;
    let (slope, curve) = ((a - 1.0) * odds - b, (a - 1.0).abs() * odds * (1.0 + odds));
    integral(slope, curve, |s| (a - 1.0) * up(s) - b * s, |s| log + up(s))
}
