//! Batch norm on (n, c, s): statistics per channel over samples and space.
//!
//! Long rows (s at least [`ROWS_FROM`]) are walked row by row, short ones as the columns of an (n, c * s) matrix.

use crate::cpu::float::{Float, Moments, Scratch, Shared, grain, long_sum2};
use crate::cpu::parallel;
use crate::error::Result;

/// From this many spatial elements on, a row of them is worth a reduction of its own.
const ROWS_FROM: usize = 16;
/// Columns of a tile: as many as partial sums of one pass fit the registers.
const TILE: usize = 64;
/// Rows whose column sums are taken plainly before they are merged in f64.
const CHUNK: usize = 256;

/// Where [`batch_norm_stats`] writes, `c` elements each.
#[derive(Clone, Copy)]
pub struct BatchStats<F> {
    /// The mean.
    pub mean: *mut F,
    /// 1 / sqrt(biased variance + eps).
    pub rstd: *mut F,
    /// The biased variance, which normalises; optional.
    pub biased: *mut F,
    /// The unbiased variance, which the running variance follows; NaN for one value per channel; optional.
    pub unbiased: *mut F,
}

// SAFETY: tasks write disjoint channels.
unsafe impl<F> Sync for BatchStats<F> {}

/// Mean and variance of every channel of `x`.
///
/// # Safety
/// The module's contract.
pub unsafe fn batch_norm_stats<F: Float>(
    x: *const F,
    out: BatchStats<F>,
    (n, c, s): (usize, usize, usize),
    eps: f64,
) -> Result<()> {
    let scratch = Scratch::<Moments>::new(c * if s < ROWS_FROM { s.max(1) } else { 1 })?;
    let (x, moments) = (Shared::new(x), Shared(scratch.ptr()));
    if s >= ROWS_FROM {
        parallel::chunks(c, grain(n * s), &|r| {
            for channel in r {
                // SAFETY: the channel's rows; its slot of the scratch.
                unsafe { *moments.at(channel) = channel_moments(x.at(channel * s), n, s, c * s) };
            }
        });
    } else {
        let columns = c * s;
        parallel::chunks(columns.div_ceil(TILE), grain(n * TILE), &|r| {
            for t in r {
                let from = t * TILE;
                // SAFETY: the columns of this tile; their slots of the scratch.
                unsafe { column_moments(x.at(from), n, columns, TILE.min(columns - from), moments.at(from)) };
            }
        });
        for channel in 0..c {
            let mut all = Moments::default();
            (0..s).for_each(|i| all.merge(*moments.at(channel * s + i)));
            // The slot was merged, or belongs to a channel before.
            *moments.at(channel) = all;
        }
    }
    for channel in 0..c {
        let m = *moments.at(channel);
        *out.mean.add(channel) = F::of(m.mean);
        *out.rstd.add(channel) = F::of(1.0 / (m.variance() + eps).sqrt());
        if !out.biased.is_null() {
            *out.biased.add(channel) = F::of(m.variance());
        }
        if !out.unbiased.is_null() {
            *out.unbiased.add(channel) = F::of(m.m2 / (m.count - 1.0));
        }
    }
    Ok(())
}

/// `rstd = 1 / sqrt(var + eps)` of `c` elements: for evaluation, from the running variance.
///
/// # Safety
/// The module's contract; `rstd` may be `var`.
pub unsafe fn batch_norm_rstd<F: Float>(var: *const F, rstd: *mut F, c: usize, eps: f64) {
    for i in 0..c {
        *rstd.add(i) = F::of(1.0 / ((*var.add(i)).f64() + eps).sqrt());
    }
}

/// `y = (x - mean) * rstd * gamma + beta` with `c` elements of each; `gamma` and `beta` are optional.
///
/// # Safety
/// The module's contract; `y` may be `x`.
pub unsafe fn batch_norm_apply<F: Float>(
    x: *const F,
    (mean, rstd): (*const F, *const F),
    (gamma, beta): (*const F, *const F),
    y: *mut F,
    (n, c, s): (usize, usize, usize),
) -> Result<()> {
    let wide = if s < ROWS_FROM { c * s } else { c };
    // Means, scales and shifts of the columns.
    let scratch = Scratch::<F>::new(3 * wide)?;
    let coef = Shared(scratch.ptr());
    for i in 0..wide {
        let channel = if s < ROWS_FROM { i / s } else { i };
        *coef.at(i) = *mean.add(channel);
        *coef.at(wide + i) = *rstd.add(channel) * super::or(gamma, channel, F::ONE);
        *coef.at(2 * wide + i) = super::or(beta, channel, F::ZERO);
    }
    let (x, y) = (Shared::new(x), Shared(y));
    if s >= ROWS_FROM {
        parallel::chunks(n * c, grain(s), &|r| {
            for row in r {
                let i = row % c;
                // SAFETY: row and channel exist.
                unsafe { scale_row(x.at(row * s), y.at(row * s), coef.at(i), wide, s) };
            }
        });
    } else {
        parallel::chunks(n, grain(wide), &|r| {
            let at = r.start * wide;
            // SAFETY: the samples of this chunk.
            unsafe { scale_columns(x.at(at), y.at(at), coef.get(), r.len(), wide) };
        });
    }
    Ok(())
}

/// Where [`batch_norm_backward`] writes; all are optional.
#[derive(Clone, Copy)]
pub struct BatchGrads<F> {
    /// The gradient of x.
    pub dx: *mut F,
    /// The gradient of gamma, `c` elements.
    pub dgamma: *mut F,
    /// The gradient of beta, `c` elements.
    pub dbeta: *mut F,
}

/// The gradients of batch norm. With `train`, mean and rstd are those of `x` and their gradient counts; otherwise
/// they are constants. `gamma` is optional.
///
/// # Safety
/// The module's contract.
pub unsafe fn batch_norm_backward<F: Float>(
    (g, x): (*const F, *const F),
    (mean, rstd): (*const F, *const F),
    gamma: *const F,
    out: BatchGrads<F>,
    (n, c, s): (usize, usize, usize),
    train: bool,
) -> Result<()> {
    let short = s < ROWS_FROM;
    let wide = if short { c * s } else { c };
    // Per column: sum(g) and sum(g * h) in f64; then the coefficients of dx = a * g + b * (x - mean) + d.
    let scratch = Scratch::<f64>::new(2 * wide)?;
    let coefficients = Scratch::<F>::new(4 * wide)?;
    let (sums, coef) = (Shared(scratch.ptr()), Shared(coefficients.ptr()));
    let (g, x, mean, rstd) = (Shared::new(g), Shared::new(x), Shared::new(mean), Shared::new(rstd));
    for i in 0..wide {
        *coef.at(i) = *mean.at(if short { i / s } else { i });
    }
    if train || !out.dgamma.is_null() || !out.dbeta.is_null() {
        if short {
            parallel::chunks(wide.div_ceil(TILE), grain(n * TILE), &|r| {
                for t in r {
                    let from = t * TILE;
                    let width = TILE.min(wide - from);
                    // SAFETY: the columns of this tile.
                    unsafe { column_sums(g.at(from), x.at(from), coef.at(from), n, wide, width, sums.at(2 * from)) };
                }
            });
        } else {
            parallel::chunks(c, grain(n * s), &|r| {
                for channel in r {
                    let at = channel * s;
                    // SAFETY: the channel's rows.
                    unsafe {
                        let (a, b) = channel_sums(g.at(at), x.at(at), *mean.at(channel), n, s, c * s);
                        *sums.at(2 * channel) = a;
                        *sums.at(2 * channel + 1) = b;
                    }
                }
            });
        }
    } else {
        (0..2 * wide).for_each(|i| *sums.at(i) = 0.0);
    }
    let count = (n * s) as f64;
    let per = wide / c.max(1);
    for channel in 0..c {
        let (mut a, mut b) = (0.0, 0.0);
        for i in channel * per..(channel + 1) * per {
            a += *sums.at(2 * i);
            b += *sums.at(2 * i + 1);
        }
        // An empty batch has no statistics, but a gradient: 0.
        let rs = if count == 0.0 { 0.0 } else { (*rstd.at(channel)).f64() };
        if !out.dbeta.is_null() {
            *out.dbeta.add(channel) = F::of(a);
        }
        if !out.dgamma.is_null() {
            *out.dgamma.add(channel) = F::of(b * rs);
        }
        let w = rs * super::or(gamma, channel, F::ONE).f64();
        let (on_x, on_1) = if train { (-w * rs * rs * b / count, -w * a / count) } else { (0.0, 0.0) };
        for i in channel * per..(channel + 1) * per {
            *coef.at(wide + i) = F::of(w);
            *coef.at(2 * wide + i) = F::of(on_x);
            *coef.at(3 * wide + i) = F::of(on_1);
        }
    }
    if out.dx.is_null() {
        return Ok(());
    }
    let dx = Shared(out.dx);
    if short {
        parallel::chunks(n, grain(wide), &|r| {
            let at = r.start * wide;
            // SAFETY: the samples of this chunk.
            unsafe { dx_columns(g.at(at), x.at(at), dx.at(at), coef.get(), r.len(), wide) };
        });
    } else {
        parallel::chunks(n * c, grain(s), &|r| {
            for row in r {
                let at = row * s;
                // SAFETY: row and channel exist.
                unsafe { dx_row(g.at(at), x.at(at), dx.at(at), coef.at(row % c), wide, s) };
            }
        });
    }
    Ok(())
}

crate::multiversion! {
    unsafe fn channel_moments[F: Float](x: *const F, n: usize, s: usize, stride: usize) -> Moments {
        let mut m = Moments::default();
        for i in 0..n {
            m.add_row(x.add(i * stride), s);
        }
        m
    }
}

crate::multiversion! {
    /// Moments of `width` columns of an n x stride matrix.
    unsafe fn column_moments[F: Float](x: *const F, n: usize, stride: usize, width: usize, out: *mut Moments) {
        for j in 0..width {
            *out.add(j) = Moments::default();
        }
        let mut start = 0;
        while start < n {
            let len = CHUNK.min(n - start);
            let x = x.add(start * stride);
            let (mut mean, mut low, mut m2) = ([F::ZERO; TILE], [F::ZERO; TILE], [F::ZERO; TILE]);
            for i in 0..len {
                let x = x.add(i * stride);
                (0..width).for_each(|j| mean[j] += *x.add(j));
            }
            (0..width).for_each(|j| mean[j] = mean[j] / F::of(len as f64));
            for i in 0..len {
                let x = x.add(i * stride);
                (0..width).for_each(|j| {
                    let d = *x.add(j) - mean[j];
                    low[j] += d;
                    m2[j] += d * d;
                });
            }
            for j in 0..width {
                let shift = low[j].f64() / len as f64;
                let m2 = m2[j].f64() - shift * low[j].f64();
                let m2 = if m2 < 0.0 { 0.0 } else { m2 };
                (*out.add(j)).merge(Moments { count: len as f64, mean: mean[j].f64() + shift, m2 });
            }
            start += len;
        }
    }
}

crate::multiversion! {
    /// `y = (x - mean) * scale + shift` with the three at `coef`, `step` apart.
    unsafe fn scale_row[F: Float](x: *const F, y: *mut F, coef: *const F, step: usize, n: usize) {
        let (mean, scale, shift) = (*coef, *coef.add(step), *coef.add(2 * step));
        for i in 0..n {
            *y.add(i) = (*x.add(i) - mean).fma(scale, shift);
        }
    }
}

crate::multiversion! {
    /// As [`scale_row`], column by column.
    unsafe fn scale_columns[F: Float](x: *const F, y: *mut F, coef: *const F, rows: usize, n: usize) {
        let (mean, scale, shift) = (coef, coef.add(n), coef.add(2 * n));
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * n));
            for i in 0..n {
                *y.add(i) = (*x.add(i) - *mean.add(i)).fma(*scale.add(i), *shift.add(i));
            }
        }
    }
}

crate::multiversion! {
    /// `sum(g)` and `sum(g * (x - mean))` of a channel.
    unsafe fn channel_sums[F: Float](g: *const F, x: *const F, mean: F, n: usize, s: usize, stride: usize) -> (f64, f64) {
        let (mut a, mut b) = (0.0, 0.0);
        for i in 0..n {
            let (g, x) = (g.add(i * stride), x.add(i * stride));
            let (p, q) = long_sum2(s, |i| (*g.add(i), *g.add(i) * (*x.add(i) - mean)));
            a += p;
            b += q;
        }
        (a, b)
    }
}

crate::multiversion! {
    /// As [`channel_sums`], for columns; the mean of column j is `coef[j]`.
    unsafe fn column_sums[F: Float](
        g: *const F, x: *const F, coef: *const F, n: usize, stride: usize, width: usize, out: *mut f64,
    ) {
        let mut mean = [F::ZERO; TILE];
        for j in 0..width {
            mean[j] = *coef.add(j);
            *out.add(2 * j) = 0.0;
            *out.add(2 * j + 1) = 0.0;
        }
        let mut start = 0;
        while start < n {
            let len = CHUNK.min(n - start);
            let (mut a, mut b) = ([F::ZERO; TILE], [F::ZERO; TILE]);
            for i in start..start + len {
                let (g, x) = (g.add(i * stride), x.add(i * stride));
                for j in 0..width {
                    let v = *g.add(j);
                    a[j] += v;
                    b[j] += v * (*x.add(j) - mean[j]);
                }
            }
            for j in 0..width {
                *out.add(2 * j) += a[j].f64();
                *out.add(2 * j + 1) += b[j].f64();
            }
            start += len;
        }
    }
}

crate::multiversion! {
    /// `dx = a * g + b * (x - mean) + d` with mean, a, b and d at `coef`, `step` apart.
    unsafe fn dx_row[F: Float](g: *const F, x: *const F, dx: *mut F, coef: *const F, step: usize, n: usize) {
        let (mean, a, b, d) = (*coef, *coef.add(step), *coef.add(2 * step), *coef.add(3 * step));
        for i in 0..n {
            *dx.add(i) = (*x.add(i) - mean).fma(b, (*g.add(i)).fma(a, d));
        }
    }
}

crate::multiversion! {
    /// As [`dx_row`], column by column.
    unsafe fn dx_columns[F: Float](g: *const F, x: *const F, dx: *mut F, coef: *const F, rows: usize, n: usize) {
        let (mean, a, b, d) = (coef, coef.add(n), coef.add(2 * n), coef.add(3 * n));
        for r in 0..rows {
            let (g, x, dx) = (g.add(r * n), x.add(r * n), dx.add(r * n));
            for i in 0..n {
                *dx.add(i) = (*x.add(i) - *mean.add(i)).fma(*b.add(i), (*g.add(i)).fma(*a.add(i), *d.add(i)));
            }
        }
    }
}
