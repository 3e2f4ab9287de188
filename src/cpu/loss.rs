//! Classification losses: cross entropy fused with its log-softmax, and negative log likelihood.
//!
//! Logits have the layout (n, c, s), targets, losses and log-sum-exps (n, s). The backward pass of cross entropy
//! rebuilds the probabilities from the logits and the log-sum-exps, so that no (n, c, s) temporary exists.
//!
//! # Contract of the unsafe code
//! Pointers address contiguous elements of these sizes; `weight` (`c` elements) is optional, that is, may be null.
//! Targets are below `c` or equal to the ignored index, which [`first_bad_target`] checks. Their memory is the user's and
//! may have changed since: a target that is no class by then counts as ignored, and is noted in [`Targets::strayed`].

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, grain, sum};
use super::parallel;
use super::softmax::max_and_log_sum;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Columns of a tile when there is a spatial dim.
const TILE: usize = 64;

/// What the targets are and how classes count.
pub struct Targets<F> {
    /// Class indices.
    pub index: *const i64,
    /// A factor per class; optional.
    pub weight: *const F,
    /// Targets that count for nothing.
    pub ignore: i64,
    /// The share of the target distribution that is spread over all classes, in [0, 1].
    pub smoothing: f64,
    /// The number of classes.
    pub classes: usize,
    /// Was a target met that is no class?
    pub strayed: AtomicBool,
}

impl<F: Float> Targets<F> {
    /// The class of row `i`, or None if it does not count.
    #[inline(always)]
    unsafe fn class(&self, i: usize) -> Option<usize> {
        let t = *self.index.add(i);
        if t == self.ignore {
            return None;
        }
        if t as u64 >= self.classes as u64 {
            self.strayed.store(true, Relaxed);
            return None;
        }
        Some(t as usize)
    }

    #[inline(always)]
    unsafe fn weight(&self, class: usize) -> F {
        if self.weight.is_null() { F::ONE } else { *self.weight.add(class) }
    }
}

// SAFETY: targets and weights are only read.
unsafe impl<F> Sync for Targets<F> {}

/// The first of `n` targets that is neither a class below `c` nor `ignore`.
///
/// # Safety
/// `n` targets are readable.
pub unsafe fn first_bad_target(index: *const i64, n: usize, c: usize, ignore: i64) -> Option<i64> {
    if !any_bad(index, n, c, ignore) {
        return None;
    }
    (0..n).map(|i| *index.add(i)).find(|&t| t != ignore && t as u64 >= c as u64)
}

crate::multiversion! {
    unsafe fn any_bad(index: *const i64, n: usize, c: usize, ignore: i64) -> bool {
        let mut any = false;
        for i in 0..n {
            let t = *index.add(i);
            any |= (t != ignore) & (t as u64 >= c as u64);
        }
        any
    }
}

crate::multiversion! {
    unsafe fn count_unlike(index: *const i64, n: usize, ignore: i64) -> usize {
        (0..n).filter(|&i| *index.add(i) != ignore).count()
    }
}

/// The sum of the weights of `n` targets, ignored ones left out, rounded to `F`: what a mean divides by.
///
/// # Safety
/// The module's contract.
pub unsafe fn target_weight<F: Float>(t: &Targets<F>, n: usize) -> f64 {
    if t.weight.is_null() {
        return F::of(count_unlike(t.index, n, t.ignore) as f64).f64();
    }
    let mut total = 0.0;
    for i in 0..n {
        if let Some(class) = t.class(i) {
            total += t.weight(class).f64();
        }
    }
    F::of(total).f64()
}

/// Writes the loss and the log-sum-exp of every row of logits.
///
/// `loss = (1 - smoothing) * w[t] * (lse - x[t]) + smoothing / c * sum over k of w[k] * (lse - x[k])`, 0 if ignored.
///
/// # Safety
/// The module's contract.
pub unsafe fn cross_entropy_forward<F: Float>(
    x: *const F,
    t: &Targets<F>,
    (loss, lse): (*mut F, *mut F),
    (n, c, s): (usize, usize, usize),
) {
    let (x, loss, lse) = (Shared::new(x), Shared(loss), Shared(lse));
    if s == 1 {
        parallel::chunks(n, grain(c), &|r| {
            // SAFETY: the rows of this chunk.
            unsafe { ce_rows(x.get(), t, loss.get(), lse.get(), r.start, r.end, c) }
        });
        return;
    }
    tiles(n, c, s, &|row, from, width| {
        // SAFETY: the columns of this tile.
        unsafe { ce_tile(x.at(row * c * s + from), t, loss.get(), lse.get(), row * s + from, c, s, width) }
    });
}

/// Writes the gradient of [`cross_entropy_forward`]: `g[row * g_stride] * scale` times the derivative of every row.
///
/// A mean passes its one gradient with stride 0 and the scale 1 / [`target_weight`].
///
/// # Safety
/// The module's contract.
pub unsafe fn cross_entropy_backward<F: Float>(
    (g, g_stride, scale): (*const F, usize, F),
    (x, lse): (*const F, *const F),
    t: &Targets<F>,
    dx: *mut F,
    (n, c, s): (usize, usize, usize),
) {
    let (g, x, lse, dx) = (Shared::new(g), Shared::new(x), Shared::new(lse), Shared(dx));
    let total = if t.weight.is_null() { F::of(c as f64) } else { F::of((0..c).map(|k| t.weight(k).f64()).sum()) };
    if s == 1 {
        parallel::chunks(n, grain(c), &|r| {
            for row in r {
                // SAFETY: one row.
                unsafe {
                    let g = *g.at(row * g_stride) * scale;
                    ce_row_backward(g, x.at(row * c), *lse.at(row), t, t.class(row), dx.at(row * c), c, total);
                }
            }
        });
        return;
    }
    tiles(n, c, s, &|row, from, width| {
        let (at, first) = (row * c * s + from, row * s + from);
        // SAFETY: the columns of this tile.
        unsafe {
            let (g, step) = (g.at(first * g_stride), g_stride);
            ce_tile_backward(g, step, scale, x.at(at), lse.at(first), t, first, dx.at(at), c, s, width, total)
        }
    });
}

/// Writes `-w[t] * x[t]` for every row of log-probabilities, 0 if ignored. The smoothing is not used.
///
/// # Safety
/// The module's contract.
pub unsafe fn nll_forward<F: Float>(x: *const F, t: &Targets<F>, loss: *mut F, (n, c, s): (usize, usize, usize)) {
    let (x, loss) = (Shared::new(x), Shared(loss));
    parallel::chunks(n * s, grain(1), &|r| {
        // SAFETY: an element of this chunk; its target is a class or ignored.
        let put = |row: usize, j: usize| unsafe {
            *loss.at(row * s + j) = match t.class(row * s + j) {
                None => F::ZERO,
                Some(class) => -(t.weight(class) * *x.at((row * c + class) * s + j)),
            };
        };
        if s == 1 {
            return r.for_each(|row| put(row, 0));
        }
        // Sample by sample: a division per element would cost more than the rest.
        let mut i = r.start;
        while i < r.end {
            let (row, from) = (i / s, i % s);
            let to = s.min(from + r.end - i);
            (from..to).for_each(|j| put(row, j));
            i += to - from;
        }
    });
}

/// Writes the gradient of [`nll_forward`], zeros included; g as for [`cross_entropy_backward`].
///
/// # Safety
/// The module's contract.
pub unsafe fn nll_backward<F: Float>(
    (g, g_stride, scale): (*const F, usize, F),
    t: &Targets<F>,
    dx: *mut F,
    (n, c, s): (usize, usize, usize),
) {
    let (g, dx) = (Shared::new(g), Shared(dx));
    parallel::chunks(n, grain(c * s), &|r| {
        for row in r {
            // SAFETY: one sample.
            unsafe {
                dx.at(row * c * s).write_bytes(0, c * s);
                for i in row * s..(row + 1) * s {
                    if let Some(class) = t.class(i) {
                        *dx.at((row * c + class) * s + i % s) = -(*g.at(i * g_stride) * scale * t.weight(class));
                    }
                }
            }
        }
    });
}

/// Runs `f(sample, first column, columns)` for every tile of columns.
fn tiles(n: usize, c: usize, s: usize, f: &(dyn Fn(usize, usize, usize) + Sync)) {
    let per = s.div_ceil(TILE);
    parallel::chunks(n * per, grain(c * s.min(TILE)), &|r| {
        for i in r {
            let from = i % per * TILE;
            f(i / per, from, TILE.min(s - from));
        }
    });
}

/// The loss of a row from its log-sum-exp, its target's logit and, for smoothing, the weighted sums.
#[inline(always)]
unsafe fn row_loss<F: Float>(t: &Targets<F>, class: usize, lse: F, logit: F, spread: F, c: usize) -> F {
    let hard = t.weight(class) * (lse - logit);
    if t.smoothing == 0.0 {
        return hard;
    }
    F::of(1.0 - t.smoothing) * hard + F::of(t.smoothing / c as f64) * spread
}

crate::multiversion! {
    unsafe fn ce_rows[F: Float](x: *const F, t: &Targets<F>, loss: *mut F, lse: *mut F, from: usize, to: usize, c: usize) {
        for r in from..to {
            let x = x.add(r * c);
            // A row of -inf alone is NaN, as its log-softmax is.
            let (m, log) = max_and_log_sum(x, c, |m| m);
            let log = log + m;
            *lse.add(r) = log;
            *loss.add(r) = F::ZERO;
            if let Some(class) = t.class(r) {
                let spread = if t.smoothing == 0.0 {
                    F::ZERO
                } else if t.weight.is_null() {
                    sum(c, |k| log - *x.add(k))
                } else {
                    sum(c, |k| *t.weight.add(k) * (log - *x.add(k)))
                };
                *loss.add(r) = row_loss(t, class, log, *x.add(class), spread, c);
            }
        }
    }
}

crate::multiversion! {
    unsafe fn ce_tile[F: Float](
        x: *const F, t: &Targets<F>, loss: *mut F, lse: *mut F, first: usize, c: usize, stride: usize, width: usize,
    ) {
        let (mut m, mut total, mut spread) = ([F::NEG_INF; TILE], [F::ZERO; TILE], [F::ZERO; TILE]);
        for k in 0..c {
            let x = x.add(k * stride);
            (0..width).for_each(|j| m[j] = (*x.add(j)).larger(m[j]));
        }
        for k in 0..c {
            let x = x.add(k * stride);
            (0..width).for_each(|j| total[j] += (*x.add(j) - m[j]).exp());
        }
        for j in 0..width {
            total[j] = total[j].ln() + m[j];
            *lse.add(first + j) = total[j];
        }
        if t.smoothing != 0.0 {
            for k in 0..c {
                let (x, w) = (x.add(k * stride), t.weight(k));
                (0..width).for_each(|j| spread[j] += w * (total[j] - *x.add(j)));
            }
        }
        for j in 0..width {
            *loss.add(first + j) = match t.class(first + j) {
                None => F::ZERO,
                Some(class) => row_loss(t, class, total[j], *x.add(class * stride + j), spread[j], c),
            };
        }
    }
}

/// The factors of the derivative of one row: `dx[k] = on_p * p[k] - on_w * w[k]`, and `- on_t` at the target.
#[inline(always)]
unsafe fn row_factors<F: Float>(t: &Targets<F>, class: Option<usize>, g: F, c: usize, total: F) -> (F, F, F) {
    let Some(class) = class else { return (F::ZERO, F::ZERO, F::ZERO) };
    let hard = t.weight(class) * F::of(1.0 - t.smoothing);
    let soft = F::of(t.smoothing / c as f64);
    (g * (hard + soft * total), g * soft, g * hard)
}

crate::multiversion! {
    unsafe fn ce_row_backward[F: Float](
        g: F, x: *const F, lse: F, t: &Targets<F>, class: Option<usize>, dx: *mut F, c: usize, total: F,
    ) {
        let Some(at) = class else {
            dx.write_bytes(0, c);
            return;
        };
        let (on_p, on_w, on_t) = row_factors(t, class, g, c, total);
        if t.smoothing == 0.0 {
            (0..c).for_each(|k| *dx.add(k) = on_p * (*x.add(k) - lse).exp());
        } else if t.weight.is_null() {
            (0..c).for_each(|k| *dx.add(k) = on_p * (*x.add(k) - lse).exp() - on_w);
        } else {
            (0..c).for_each(|k| *dx.add(k) = on_p * (*x.add(k) - lse).exp() - on_w * *t.weight.add(k));
        }
        let at = dx.add(at);
        *at = *at - on_t;
    }
}

crate::multiversion! {
    unsafe fn ce_tile_backward[F: Float](
        g: *const F, g_stride: usize, scale: F, x: *const F, lse: *const F, t: &Targets<F>, first: usize, dx: *mut F,
        c: usize, stride: usize, width: usize, total: F,
    ) {
        let (mut on_p, mut on_w, mut on_t) = ([F::ZERO; TILE], [F::ZERO; TILE], [F::ZERO; TILE]);
        let mut class = [None; TILE];
        for j in 0..width {
            let g = *g.add(j * g_stride) * scale;
            class[j] = t.class(first + j);
            (on_p[j], on_w[j], on_t[j]) = row_factors(t, class[j], g, c, total);
        }
        for k in 0..c {
            let (x, dx, w) = (x.add(k * stride), dx.add(k * stride), t.weight(k));
            (0..width).for_each(|j| *dx.add(j) = on_p[j] * (*x.add(j) - *lse.add(j)).exp() - on_w[j] * w);
        }
        for j in 0..width {
            if let Some(class) = class[j] {
                let at = dx.add(class * stride + j);
                *at = *at - on_t[j];
            } else {
                // 0 * NaN of a broken column would not be 0.
                (0..c).for_each(|k| *dx.add(k * stride + j) = F::ZERO);
            }
        }
    }
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
