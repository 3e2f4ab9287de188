//! Layer norm and RMS norm: every row of `n` elements by its own statistics.

use crate::cpu::float::{Float, Moments, Scratch, Shared, grain, long_sum2};
use crate::cpu::parallel;
use crate::error::Result;

/// `y = (x - mean) * rstd * gamma + beta` per row of `n`, rstd = 1 / sqrt(var + eps) with the biased variance.
///
/// `gamma` and `beta` (`n` each) are optional; `mean` and `rstd` (`rows` each) receive what the backward needs.
///
/// # Safety
/// The module's contract; `y` may be `x`.
pub unsafe fn layer_norm_forward<F: Float>(
    x: *const F,
    (gamma, beta): (*const F, *const F),
    y: *mut F,
    (mean, rstd): (*mut F, *mut F),
    (rows, n): (usize, usize),
    eps: f64,
) {
    let (x, gamma, beta) = (Shared::new(x), Shared::new(gamma), Shared::new(beta));
    let (y, mean, rstd) = (Shared(y), Shared(mean), Shared(rstd));
    parallel::chunks(rows, grain(n), &|r| {
        let (i, at) = (r.start, r.start * n);
        // SAFETY: the rows of this chunk.
        unsafe { forward_rows(x.at(at), gamma.get(), beta.get(), y.at(at), mean.at(i), rstd.at(i), r.len(), n, eps) }
    });
}

/// `y = x * rstd * gamma` per row of `n`, rstd = 1 / sqrt(mean(x^2) + eps). `gamma` (`n`) is optional.
///
/// Source: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
///
/// # Safety
/// The module's contract; `y` may be `x`.
pub unsafe fn rms_norm_forward<F: Float>(
    x: *const F,
    gamma: *const F,
    y: *mut F,
    rstd: *mut F,
    (rows, n): (usize, usize),
    eps: f64,
) {
    let (x, gamma, y, rstd) = (Shared::new(x), Shared::new(gamma), Shared(y), Shared(rstd));
    parallel::chunks(rows, grain(n), &|r| {
        let at = r.start * n;
        // SAFETY: the rows of this chunk.
        unsafe { rms_rows(x.at(at), gamma.get(), y.at(at), rstd.at(r.start), r.len(), n, eps) }
    });
}

/// The gradients of [`layer_norm_forward`]. `gamma`, and the outputs `dx`, `dgamma` and `dbeta`, are optional.
///
/// # Safety
/// The module's contract.
pub unsafe fn layer_norm_backward<F: Float>(
    (g, x): (*const F, *const F),
    (mean, rstd): (*const F, *const F),
    gamma: *const F,
    (dx, dgamma, dbeta): (*mut F, *mut F, *mut F),
    (rows, n): (usize, usize),
) -> Result<()> {
    backward(Backward { g, x, mean, rstd, gamma, dx }, dgamma, dbeta, rows, n)
}

/// The gradients of [`rms_norm_forward`]. `gamma`, and the outputs `dx` and `dgamma`, are optional.
///
/// # Safety
/// The module's contract.
pub unsafe fn rms_norm_backward<F: Float>(
    (g, x): (*const F, *const F),
    rstd: *const F,
    gamma: *const F,
    (dx, dgamma): (*mut F, *mut F),
    (rows, n): (usize, usize),
) -> Result<()> {
    let no_mean = std::ptr::null();
    backward(Backward { g, x, mean: no_mean, rstd, gamma, dx }, dgamma, std::ptr::null_mut(), rows, n)
}

/// The streams of a backward pass. `mean` is null for RMS norm, which subtracts none.
#[derive(Clone, Copy)]
struct Backward<F> {
    g: *const F,
    x: *const F,
    mean: *const F,
    rstd: *const F,
    gamma: *const F,
    dx: *mut F,
}

// SAFETY: tasks read the inputs and write disjoint rows.
unsafe impl<F> Sync for Backward<F> {}

/// Chunks of rows whose parameter gradients are summed apart: enough for many threads, few enough that the
/// partial sums stay a small part of what is read.
const CHUNKS: usize = 32;
/// No chunk is shorter: its partial sums would cost as much as its rows.
const CHUNK_ROWS: usize = 16;

unsafe fn backward<F: Float>(b: Backward<F>, dgamma: *mut F, dbeta: *mut F, rows: usize, n: usize) -> Result<()> {
    if dgamma.is_null() && dbeta.is_null() {
        parallel::chunks(rows, grain(n), &|r| {
            // SAFETY: the rows of this chunk.
            unsafe { backward_rows(&b, r.start, r.end, n, std::ptr::null_mut(), std::ptr::null_mut()) }
        });
        return Ok(());
    }
    let per = rows.div_ceil(CHUNKS).max(CHUNK_ROWS);
    let count = rows.div_ceil(per);
    let scratch = Scratch::<F>::zeroed(2 * count * n)?;
    let parts = Shared(scratch.ptr());
    parallel::run(count, &|c| {
        let (part, rows) = (parts.at(2 * c * n), c * per..rows.min((c + 1) * per));
        // SAFETY: the rows and the partial sums of this chunk.
        unsafe { backward_rows(&b, rows.start, rows.end, n, part, part.add(n)) }
    });
    let (dgamma, dbeta) = (Shared(dgamma), Shared(dbeta));
    parallel::chunks(n, grain(2 * count), &|r| {
        // SAFETY: the columns of this chunk.
        unsafe {
            add_parts(parts.get(), dgamma.get(), r.start, r.end, count, 2 * n);
            add_parts(parts.at(n), dbeta.get(), r.start, r.end, count, 2 * n);
        }
    });
    Ok(())
}

crate::multiversion! {
    /// `out[j] = sum over c of parts[c * stride + j]`, c ascending; nothing if `out` is null.
    unsafe fn add_parts[F: Float](parts: *const F, out: *mut F, from: usize, to: usize, count: usize, stride: usize) {
        if out.is_null() {
            return;
        }
        for j in from..to {
            *out.add(j) = F::ZERO;
        }
        for c in 0..count {
            let part = parts.add(c * stride);
            for j in from..to {
                *out.add(j) += *part.add(j);
            }
        }
    }
}

crate::multiversion! {
    unsafe fn forward_rows[F: Float](
        x: *const F, gamma: *const F, beta: *const F, y: *mut F, mean: *mut F, rstd: *mut F, rows: usize, n: usize, eps: f64,
    ) {
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * n));
            let mut m = Moments::default();
            m.add_row(x, n);
            let (mu, s) = (F::of(m.mean), F::of(1.0 / (m.variance() + eps).sqrt()));
            *mean.add(r) = mu;
            *rstd.add(r) = s;
            match (gamma.is_null(), beta.is_null()) {
                (true, true) => (0..n).for_each(|i| *y.add(i) = (*x.add(i) - mu) * s),
                (false, true) => (0..n).for_each(|i| *y.add(i) = (*x.add(i) - mu) * s * *gamma.add(i)),
                (true, false) => (0..n).for_each(|i| *y.add(i) = (*x.add(i) - mu).fma(s, *beta.add(i))),
                (false, false) => {
                    (0..n).for_each(|i| *y.add(i) = ((*x.add(i) - mu) * s).fma(*gamma.add(i), *beta.add(i)));
                }
            }
        }
    }
}

crate::multiversion! {
    unsafe fn rms_rows[F: Float](
        x: *const F, gamma: *const F, y: *mut F, rstd: *mut F, rows: usize, n: usize, eps: f64,
    ) {
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * n));
            let (squares, _) = long_sum2(n, |i| (*x.add(i) * *x.add(i), F::ZERO));
            let s = F::of(1.0 / (squares / n as f64 + eps).sqrt());
            *rstd.add(r) = s;
            if gamma.is_null() {
                (0..n).for_each(|i| *y.add(i) = *x.add(i) * s);
            } else {
                (0..n).for_each(|i| *y.add(i) = *x.add(i) * s * *gamma.add(i));
            }
        }
    }
}

crate::multiversion! {
    /// With h = (x - mean) * rstd and v = g * gamma: `dx = rstd * v - rstd * mean(v) - rstd * h * mean(v * h)`, without the
    /// middle term where no mean was subtracted; adds `g * h` and `g` to the partial sums unless they are null.
    unsafe fn backward_rows[F: Float](b: &Backward<F>, from: usize, to: usize, n: usize, dgamma: *mut F, dbeta: *mut F) {
        let gamma = b.gamma;
        for r in from..to {
            let (g, x) = (b.g.add(r * n), b.x.add(r * n));
            let (mu, s) = (super::or(b.mean, r, F::ZERO), *b.rstd.add(r));
            if !dgamma.is_null() {
                for i in 0..n {
                    let gi = *g.add(i);
                    *dgamma.add(i) += gi * ((*x.add(i) - mu) * s);
                    *dbeta.add(i) += gi;
                }
            }
            if b.dx.is_null() {
                continue;
            }
            let dx = b.dx.add(r * n);
            let (sv, svh) = if gamma.is_null() {
                long_sum2(n, |i| (*g.add(i), *g.add(i) * ((*x.add(i) - mu) * s)))
            } else {
                long_sum2(n, |i| {
                    let v = *g.add(i) * *gamma.add(i);
                    (v, v * ((*x.add(i) - mu) * s))
                })
            };
            // The reciprocal is rounded, as in torch: where a gradient cancels to nothing but rounding, it has torch's.
            let inv = F::ONE / F::of(n as f64);
            let c0 = if b.mean.is_null() { F::ZERO } else { F::of(sv) * s * inv };
            let c1 = s * s * F::of(svh / n as f64);
            // Products are rounded as in the sum, so that a row of one element has no gradient.
            if gamma.is_null() {
                (0..n).for_each(|i| *dx.add(i) = *g.add(i) * s - c0 - (*x.add(i) - mu) * c1);
            } else {
                (0..n).for_each(|i| *dx.add(i) = *g.add(i) * *gamma.add(i) * s - c0 - (*x.add(i) - mu) * c1);
            }
        }
    }
}
