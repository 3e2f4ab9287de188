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
pub(super) unsafe fn sum_exp<F: Float>(x: *const F, n: usize, m: F) -> F {
    let mut buffer = [F::ZERO; STEP];
    let mut total = F::ZERO;
    let mut i = 0;
    while i < n {
        let len = STEP.min(n - i);
        total += exp_row(x.add(i), buffer.as_mut_ptr(), len, m);
        i += len;
    }
    total
}

/// The largest element of a row; -inf when there is none.
#[inline(always)]
pub(super) unsafe fn row_max<F: Float>(x: *const F, n: usize) -> F {
    fold(n, F::NEG_INF, |i| *x.add(i), |a, b| b.larger(a))
}

/// Subtracting an infinite maximum would make a sum of exponentials NaN.
#[inline(always)]
fn finite_or_zero<F: Float>(m: F) -> F {
    if m.is_inf() { F::ZERO } else { m }
}

crate::multiversion! {
    unsafe fn forward_rows[F: Float](x: *const F, y: *mut F, rows: usize, n: usize, log: bool) {
        for r in 0..rows {
            let (x, y) = (x.add(r * n), y.add(r * n));
            let m = row_max(x, n);
            if log {
                let s = sum_exp(x, n, m).ln();
                for i in 0..n {
                    *y.add(i) = *x.add(i) - m - s;
                }
            } else {
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
            let m = finite_or_zero(row_max(x, n));
            *y.add(r) = sum_exp(x, n, m).ln() + m;
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
