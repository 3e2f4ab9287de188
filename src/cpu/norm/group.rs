//! Group norm: the channels of a group share statistics; instance norm is one channel per group.

use crate::cpu::float::{Float, Moments, Scratch, Shared, grain, long_sum2};
use crate::cpu::parallel;
use crate::error::Result;

/// `y = (x - mean) * rstd * gamma + beta` on (n, c, s), statistics per sample and group of `c / groups` channels.
///
/// `gamma` and `beta` (`c` each) are optional; `mean` and `rstd` are `n * groups` outputs.
///
/// # Safety
/// The module's contract; `groups` divides `c`; `y` may be `x`.
pub unsafe fn group_norm_forward<F: Float>(
    x: *const F,
    (gamma, beta): (*const F, *const F),
    y: *mut F,
    (mean, rstd): (*mut F, *mut F),
    (n, c, s): (usize, usize, usize),
    groups: usize,
    eps: f64,
) {
    let per = c / groups.max(1);
    let (x, gamma, beta) = (Shared::new(x), Shared::new(gamma), Shared::new(beta));
    let (y, mean, rstd) = (Shared(y), Shared(mean), Shared(rstd));
    parallel::chunks(n * groups, grain(per * s), &|r| {
        for i in r {
            let (at, channel) = (i * per * s, i % groups * per);
            let (gamma, beta) = (gamma.at(channel), beta.at(channel));
            // SAFETY: group i alone.
            unsafe { forward_group(x.at(at), gamma, beta, y.at(at), mean.at(i), rstd.at(i), per, s, eps) };
        }
    });
}

/// The gradients of [`group_norm_forward`]. `gamma`, and the outputs `dx`, `dgamma` and `dbeta`, are optional.
///
/// # Safety
/// The module's contract; `groups` divides `c`.
pub unsafe fn group_norm_backward<F: Float>(
    (g, x): (*const F, *const F),
    (mean, rstd): (*const F, *const F),
    gamma: *const F,
    (dx, dgamma, dbeta): (*mut F, *mut F, *mut F),
    (n, c, s): (usize, usize, usize),
    groups: usize,
) -> Result<()> {
    let per = c / groups.max(1);
    // sum(g * h) and sum(g) of every channel of every sample.
    let scratch = Scratch::<f64>::new(2 * n * c)?;
    let sums = Shared(scratch.ptr());
    let (g, x, gamma) = (Shared::new(g), Shared::new(x), Shared::new(gamma));
    let (mean, rstd, dx) = (Shared::new(mean), Shared::new(rstd), Shared(dx));
    parallel::chunks(n * groups, grain(per * s), &|r| {
        for i in r {
            let (at, gamma) = (i * per * s, gamma.at(i % groups * per));
            // SAFETY: group i alone.
            unsafe {
                let (mu, rs) = (*mean.at(i), *rstd.at(i));
                backward_group(g.at(at), x.at(at), gamma, dx.at(at), sums.at(2 * i * per), mu, rs, per, s);
            }
        }
    });
    for channel in 0..c {
        let (mut a, mut b) = (0.0, 0.0);
        for i in 0..n {
            let p = sums.at(2 * (i * c + channel));
            a += *p;
            b += *p.add(1);
        }
        if !dgamma.is_null() {
            *dgamma.add(channel) = F::of(a);
        }
        if !dbeta.is_null() {
            *dbeta.add(channel) = F::of(b);
        }
    }
    Ok(())
}

crate::multiversion! {
    unsafe fn forward_group[F: Float](
        x: *const F, gamma: *const F, beta: *const F, y: *mut F, mean: *mut F, rstd: *mut F, per: usize, s: usize, eps: f64,
    ) {
        let mut m = Moments::default();
        m.add_row(x, per * s);
        let (mu, rs) = (F::of(m.mean), F::of(1.0 / (m.variance() + eps).sqrt()));
        *mean = mu;
        *rstd = rs;
        for c in 0..per {
            let (x, y) = (x.add(c * s), y.add(c * s));
            let (scale, shift) = (super::or(gamma, c, F::ONE) * rs, super::or(beta, c, F::ZERO));
            (0..s).for_each(|i| *y.add(i) = (*x.add(i) - mu).fma(scale, shift));
        }
    }
}

crate::multiversion! {
    unsafe fn backward_group[F: Float](
        g: *const F, x: *const F, gamma: *const F, dx: *mut F, sums: *mut f64, mu: F, rs: F, per: usize, s: usize,
    ) {
        let (mut sv, mut svh) = (0.0, 0.0);
        for c in 0..per {
            let (g, x) = (g.add(c * s), x.add(c * s));
            let (gh, g0) = long_sum2(s, |i| (*g.add(i) * ((*x.add(i) - mu) * rs), *g.add(i)));
            *sums.add(2 * c) = gh;
            *sums.add(2 * c + 1) = g0;
            let w = super::or(gamma, c, F::ONE).f64();
            svh += w * gh;
            sv += w * g0;
        }
        if dx.is_null() {
            return;
        }
        let count = (per * s) as f64;
        let (c0, c1) = (F::of(sv / count), F::of(svh / count));
        for c in 0..per {
            let (g, x, dx) = (g.add(c * s), x.add(c * s), dx.add(c * s));
            let w = super::or(gamma, c, F::ONE);
            (0..s).for_each(|i| *dx.add(i) = rs * (*g.add(i) * w - c0 - (*x.add(i) - mu) * rs * c1));
        }
    }
}
