//! Softmax, log-softmax and log-sum-exp over one dim of an (outer, dim, inner) layout.
//!
//! A row is read and written once from memory: the passes (maximum, exponentials and their sum, scaling)
//! run over a row, or a tile of columns, that stays in the cache. A row of nothing but -inf gives NaN, as in torch.
//!
//! # Contract of the unsafe code
//! Every pointer addresses `outer * dim * inner` contiguous elements (`outer * inner` for a reduced one), and
//! the output is no input, except that it may be the very same memory.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, fold, grain, sum};
use super::parallel;
use std::mem::MaybeUninit;

/// Columns of a tile when the softmax dim is not the last.
const TILE: usize = 64;

/// Writes the softmax of `x` to `y`, or its logarithm.
///
/// # Safety
/// The module's contract.
pub unsafe fn softmax_forward<F: Float>(x: *const F, y: *mut F, (outer, dim, inner): (usize, usize, usize), log: bool) {
    let (x, y) = (Shared::new(x), Shared(y));
    if inner == 1 {
        parallel::chunks(outer, grain(dim), &|r| {
            // SAFETY: the rows of this chunk.
            unsafe { forward_rows(x.at(r.start * dim), y.at(r.start * dim), r.len(), dim, log) }
        });
    } else {
        tiles(outer, dim, inner, &|base, width| {
            // SAFETY: the columns of this tile.
            unsafe { forward_tile(x.at(base), y.at(base), dim, inner, width, log) }
        });
    }
}

/// Writes the gradient of [`softmax_forward`] from the output `y` and its gradient `g`.
///
/// softmax: `dx = y * (g - sum(g * y))`; log-softmax: `dx = g - exp(y) * sum(g)`.
///
/// # Safety
/// The module's contract.
pub unsafe fn softmax_backward<F: Float>(
    g: *const F,
    y: *const F,
    dx: *mut F,
    (outer, dim, inner): (usize, usize, usize),
    log: bool,
) {
    let (g, y, dx) = (Shared::new(g), Shared::new(y), Shared(dx));
    if inner == 1 {
        parallel::chunks(outer, grain(dim), &|r| {
            let at = r.start * dim;
            // SAFETY: the rows of this chunk.
            unsafe { backward_rows(g.at(at), y.at(at), dx.at(at), r.len(), dim, log) }
        });
    } else {
        tiles(outer, dim, inner, &|base, width| {
            // SAFETY: the columns of this tile.
            unsafe { backward_tile(g.at(base), y.at(base), dx.at(base), dim, inner, width, log) }
        });
    }
}

/// Writes `log(sum(exp(x)))` over the dim; -inf for an empty one.
///
/// # Safety
/// The module's contract.
pub unsafe fn logsumexp<F: Float>(x: *const F, y: *mut F, (outer, dim, inner): (usize, usize, usize)) {
    let (x, y) = (Shared::new(x), Shared(y));
    if inner == 1 {
        parallel::chunks(outer, grain(dim), &|r| {
            // SAFETY: the rows of this chunk.
            unsafe { logsumexp_rows(x.at(r.start * dim), y.at(r.start), r.len(), dim) }
        });
        return;
    }
    let per = inner.div_ceil(TILE);
    parallel::chunks(outer * per, grain(dim * inner.min(TILE)), &|r| {
        for t in r {
            let (o, from) = (t / per, t % per * TILE);
            // SAFETY: the columns of this tile.
            unsafe {
                let (x, y) = (x.at(o * dim * inner + from), y.at(o * inner + from));
                logsumexp_tile(x, y, dim, inner, TILE.min(inner - from));
            }
        }
    });
}

/// Runs `f(first element, columns)` for every tile of columns.
fn tiles(outer: usize, dim: usize, inner: usize, f: &(dyn Fn(usize, usize) + Sync)) {
    let per = inner.div_ceil(TILE);
    parallel::chunks(outer * per, grain(dim * inner.min(TILE)), &|r| {
        for t in r {
            let from = t % per * TILE;
            f(t / per * dim * inner + from, TILE.min(inner - from));
        }
    });
}

/// Elements whose exponentials are summed while they are in L1.
const STEP: usize = 512;

/// `y = exp(x - m)`; returns the sum.
#[inline(always)]
unsafe fn exp_row<F: Float>(x: *const F, y: *mut F, n: usize, m: F) -> F {
    let mut total = F::ZERO;
    let mut start = 0;
    while start < n {
        let len = STEP.min(n - start);
        let (x, y) = (x.add(start), y.add(start));
        for i in 0..len {
            *y.add(i) = (*x.add(i) - m).exp();
        }
        total += sum(len, |i| *y.add(i));
        start += len;
    }
    total
}

/// The sum of `exp(x - m)`, through a buffer that stays in L1.
#[inline(always)]
unsafe fn sum_exp<F: Float>(x: *const F, n: usize, m: F) -> F {
    let mut buffer = MaybeUninit::<[F; STEP]>::uninit();
    let mut total = F::ZERO;
    let mut i = 0;
    while i < n {
        let len = STEP.min(n - i);
        total += exp_row(x.add(i), buffer.as_mut_ptr().cast(), len, m);
        i += len;
    }
    total
}

/// Elements up to which a row is worked on as a [`Short`].
const SHORT: usize = 64;
/// Elements of a step of a short row: a vector of the widest level.
const WIDE: usize = 16;

/// A short row in whole vectors, filled up with what changes no result: rests of vectors, taken one by one, cost more
/// than the vectors themselves.
#[derive(Clone, Copy)]
struct Short<F> {
    row: [F; SHORT],
    steps: usize,
}

impl<F: Float> Short<F> {
    /// The `n <= SHORT` elements at `x`.
    #[inline(always)]
    unsafe fn new(x: *const F, n: usize, filling: F) -> Self {
        let mut row = [filling; SHORT];
        x.copy_to_nonoverlapping(row.as_mut_ptr(), n);
        Short { row, steps: n.div_ceil(WIDE) }
    }

    /// Replaces every element by `f` of it.
    #[inline(always)]
    fn map(&mut self, f: impl Fn(F) -> F) {
        for v in self.row.as_chunks_mut::<WIDE>().0.iter_mut().take(self.steps) {
            for j in 0..WIDE {
                v[j] = f(v[j]);
            }
        }
    }

    /// Replaces every element by `f` of it and of that of `other`.
    #[inline(always)]
    fn zip(&mut self, other: &Self, f: impl Fn(F, F) -> F) {
        let others = other.row.as_chunks::<WIDE>().0;
        for (v, o) in self.row.as_chunks_mut::<WIDE>().0.iter_mut().zip(others).take(self.steps) {
            for j in 0..WIDE {
                v[j] = f(v[j], o[j]);
            }
        }
    }

    #[inline(always)]
    fn fold(&self, init: F, op: impl Fn(F, F) -> F) -> F {
        let mut acc = [init; WIDE];
        for v in self.row.as_chunks::<WIDE>().0.iter().take(self.steps) {
            for j in 0..WIDE {
                acc[j] = op(acc[j], v[j]);
            }
        }
        let mut half = WIDE / 2;
        while half > 0 {
            for j in 0..half {
                acc[j] = op(acc[j], acc[j + half]);
            }
            half /= 2;
        }
        acc[0]
    }

    #[inline(always)]
    fn max(&self) -> F {
        self.fold(F::NEG_INF, |a, b| b.larger(a))
    }

    #[inline(always)]
    fn sum(&self) -> F {
        self.fold(F::ZERO, |a, b| a + b)
    }

    /// The logarithm of the sum of `exp(x - m)`.
    #[inline(always)]
    fn log_sum(mut self, m: F) -> F {
        self.map(|v| (v - m).exp());
        self.sum().ln()
    }
}

/// Short rows that are copied before the first of them is worked on: a vector that spans several copies is loaded only
/// when these have left the pipeline, so that a row copied just before would wait, and all rows after it.
const BATCH: usize = 8;

/// `m <= BATCH` rows of `n <= SHORT` elements.
#[inline(always)]
unsafe fn batch<F: Float>(x: *const F, m: usize, n: usize, filling: F) -> [Short<F>; BATCH] {
    let mut rows = [Short { row: [filling; SHORT], steps: n.div_ceil(WIDE) }; BATCH];
    for (i, short) in rows.iter_mut().enumerate().take(m) {
        short.row.as_mut_ptr().copy_from_nonoverlapping(x.add(i * n), n);
    }
    rows
}

/// Writes rows of `n` elements.
#[inline(always)]
unsafe fn put<F: Float>(rows: &[Short<F>], y: *mut F, n: usize) {
    for (i, short) in rows.iter().enumerate() {
        y.add(i * n).copy_from_nonoverlapping(short.row.as_ptr(), n);
    }
}

/// The largest element of a row, or what `shift` makes of it, and the logarithm of the sum of `exp(x - m)`.
#[inline(always)]
pub(super) unsafe fn max_and_log_sum<F: Float>(x: *const F, n: usize, shift: impl Fn(F) -> F) -> (F, F) {
    if n <= SHORT {
        let row = Short::new(x, n, F::NEG_INF);
        let m = shift(row.max());
        return (m, row.log_sum(m));
    }
    let m = shift(row_max(x, n));
    (m, sum_exp(x, n, m).ln())
}

/// The largest element of a row; -inf when there is none.
#[inline(always)]
unsafe fn row_max<F: Float>(x: *const F, n: usize) -> F {
    fold(n, F::NEG_INF, |i| *x.add(i), |a, b| b.larger(a))
}

/// Subtracting an infinite maximum would make a sum of exponentials NaN.
#[inline(always)]
fn finite_or_zero<F: Float>(m: F) -> F {
    if m.is_inf() { F::ZERO } else { m }
}

crate::multiversion! {
    unsafe fn forward_rows[F: Float](x: *const F, y: *mut F, rows: usize, n: usize, log: bool) {
        if n <= SHORT {
            for first in (0..rows).step_by(BATCH) {
                let m = BATCH.min(rows - first);
                let mut short = batch(x.add(first * n), m, n, F::NEG_INF);
                for row in &mut short[..m] {
                    let max = row.max();
                    if log {
                        let s = row.log_sum(max);
                        row.map(|v| v - max - s);
                    } else {
                        row.map(|v| (v - max).exp());
                        let inverse = F::ONE / row.sum();
                        row.map(|v| v * inverse);
                    }
                }
                put(&short[..m], y.add(first * n), n);
            }
            return;
        }
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * n));
            if log {
                let (m, s) = max_and_log_sum(x, n, |m| m);
                for i in 0..n {
                    *y.add(i) = *x.add(i) - m - s;
                }
            } else {
                let m = row_max(x, n);
                let inverse = F::ONE / exp_row(x, y, n, m);
                for i in 0..n {
                    *y.add(i) *= inverse;
                }
            }
        }
    }
}

crate::multiversion! {
    unsafe fn backward_rows[F: Float](g: *const F, y: *const F, dx: *mut F, rows: usize, n: usize, log: bool) {
        if n <= SHORT {
            for first in (0..rows).step_by(BATCH) {
                let m = BATCH.min(rows - first);
                let mut gs = batch(g.add(first * n), m, n, F::ZERO);
                let mut ys = batch(y.add(first * n), m, n, F::ZERO);
                for (g, y) in gs.iter_mut().zip(&mut ys).take(m) {
                    if log {
                        let s = g.sum();
                        y.map(|y| y.exp() * s);
                        g.zip(y, |g, y| g - y);
                    } else {
                        let mut both = *g;
                        both.zip(y, |g, y| g * y);
                        let s = both.sum();
                        g.zip(y, |g, y| (g - s) * y);
                    }
                }
                put(&gs[..m], dx.add(first * n), n);
            }
            return;
        }
        for r in 0..rows {
            let (g, y, dx) = (g.add(r * n), y.add(r * n), dx.add(r * n));
            if log {
                let s = sum(n, |i| *g.add(i));
                for i in 0..n {
                    *dx.add(i) = *g.add(i) - (*y.add(i)).exp() * s;
                }
            } else {
                let s = sum(n, |i| *g.add(i) * *y.add(i));
                for i in 0..n {
                    *dx.add(i) = (*g.add(i) - s) * *y.add(i);
                }
            }
        }
    }
}

crate::multiversion! {
    unsafe fn logsumexp_rows[F: Float](x: *const F, y: *mut F, rows: usize, n: usize) {
        for r in 0..rows {
            let x = x.add(r * n);
            let (m, s) = max_and_log_sum(x, n, finite_or_zero);
            *y.add(r) = s + m;
        }
    }
}

/// The maximum of every column of a tile.
#[inline(always)]
unsafe fn column_max<F: Float>(x: *const F, dim: usize, stride: usize, width: usize) -> [F; TILE] {
    let mut m = [F::NEG_INF; TILE];
    for d in 0..dim {
        let x = x.add(d * stride);
        for (j, m) in m.iter_mut().enumerate().take(width) {
            *m = (*x.add(j)).larger(*m);
        }
    }
    m
}

crate::multiversion! {
    unsafe fn forward_tile[F: Float](x: *const F, y: *mut F, dim: usize, stride: usize, width: usize, log: bool) {
        let m = column_max(x, dim, stride, width);
        let mut s = [F::ZERO; TILE];
        for d in 0..dim {
            let (x, y) = (x.add(d * stride), y.add(d * stride));
            if log {
                for j in 0..width {
                    s[j] += (*x.add(j) - m[j]).exp();
                }
            } else {
                for j in 0..width {
                    let e = (*x.add(j) - m[j]).exp();
                    *y.add(j) = e;
                    s[j] += e;
                }
            }
        }
        for s in s.iter_mut().take(width) {
            *s = if log { s.ln() } else { F::ONE / *s };
        }
        for d in 0..dim {
            let (x, y) = (x.add(d * stride), y.add(d * stride));
            if log {
                for j in 0..width {
                    *y.add(j) = *x.add(j) - m[j] - s[j];
                }
            } else {
                for j in 0..width {
                    *y.add(j) *= s[j];
                }
            }
        }
    }
}

crate::multiversion! {
    unsafe fn backward_tile[F: Float](g: *const F, y: *const F, dx: *mut F, dim: usize, stride: usize, width: usize, log: bool) {
        let mut s = [F::ZERO; TILE];
        for d in 0..dim {
            let (g, y) = (g.add(d * stride), y.add(d * stride));
            for j in 0..width {
                s[j] += if log { *g.add(j) } else { *g.add(j) * *y.add(j) };
            }
        }
        for d in 0..dim {
            let (g, y, dx) = (g.add(d * stride), y.add(d * stride), dx.add(d * stride));
            if log {
                for j in 0..width {
                    *dx.add(j) = *g.add(j) - (*y.add(j)).exp() * s[j];
                }
            } else {
                for j in 0..width {
                    *dx.add(j) = (*g.add(j) - s[j]) * *y.add(j);
                }
            }
        }
    }
}

crate::multiversion! {
    unsafe fn logsumexp_tile[F: Float](x: *const F, y: *mut F, dim: usize, stride: usize, width: usize) {
        let mut m = column_max(x, dim, stride, width);
        let mut s = [F::ZERO; TILE];
        for m in m.iter_mut().take(width) {
            *m = finite_or_zero(*m);
        }
        for d in 0..dim {
            let x = x.add(d * stride);
            for j in 0..width {
                s[j] += (*x.add(j) - m[j]).exp();
            }
        }
        for j in 0..width {
            *y.add(j) = s[j].ln() + m[j];
        }
    }
}

#[cfg(test)]
#[path = "softmax_tests.rs"]
mod tests;
