//! Max pooling with indices. A NaN wins over everything, and of equal values the first one does.

use super::{NARROW, Pool, STRIP, with_stride};
use crate::cpu::float::{Float, Shared, grain};
use crate::cpu::parallel;

/// Writes the largest value of every window, and its flat index in the input plane if `index` is not null.
///
/// A window whose taps all lie in the padding, which dilation allows, gives -inf and the index -1.
///
/// # Safety
/// The module's contract; `index` addresses as many elements as `y`.
pub unsafe fn max_pool_forward<F: Float>(x: *const F, (y, index): (*mut F, *mut i64), planes: usize, p: &Pool) {
    let (x, y, index) = (Shared::new(x), Shared(y), Shared(index));
    let (n, m) = (p.in_plane(), p.out_plane());
    let small = n <= i32::MAX as usize / 2;
    parallel::chunks(planes, grain(p.work()), &|r| {
        for i in r {
            let (x, y, index) = (x.at(i * n), y.at(i * m), index.at(i * m));
            // SAFETY: plane i alone.
            unsafe {
                match (index.is_null(), small) {
                    _ if p.output[2] < NARROW && p.dilation == [1; 3] => max_windows(x, y, index, p),
                    (true, _) => max_plane::<F, ()>(x, y, index, p),
                    (_, true) => max_plane::<F, i32>(x, y, index, p),
                    _ => max_plane::<F, i64>(x, y, index, p),
                }
            };
        }
    });
}

/// Writes the gradient of a max pool from the indices: every plane of `dx` (`n` elements) receives the `m` elements
/// of `g` at their indices. Indices outside the plane are dropped.
///
/// # Safety
/// The module's contract.
pub unsafe fn max_pool_backward<F: Float>(
    g: *const F,
    index: *const i64,
    dx: *mut F,
    planes: usize,
    (n, m): (usize, usize),
) {
    let (g, index, dx) = (Shared::new(g), Shared::new(index), Shared(dx));
    parallel::chunks(planes, grain(n + m), &|r| {
        for i in r {
            let (g, index, dx) = (g.at(i * m), index.at(i * m), dx.at(i * n));
            // SAFETY: plane i alone; every index is compared with its size.
            unsafe {
                dx.write_bytes(0, n);
                for o in 0..m {
                    let at = *index.add(o) as u64;
                    if at < n as u64 {
                        *dx.add(at as usize) += *g.add(o);
                    }
                }
            }
        }
    });
}

impl Pool {
    /// May a window have no tap in the input? Those have the index -1.
    fn may_miss(&self) -> bool {
        (0..3).any(|d| self.padding[d] > 0 && self.dilation[d] > 1)
    }
}

/// An integer that a plane's indices fit.
trait Index: Copy {
    fn of(i: isize) -> Self;
    fn i64(self) -> i64;
}

impl Index for i32 {
    #[inline(always)]
    fn of(i: isize) -> i32 {
        i as i32
    }
    #[inline(always)]
    fn i64(self) -> i64 {
        self as i64
    }
}

impl Index for i64 {
    #[inline(always)]
    fn of(i: isize) -> i64 {
        i as i64
    }
    #[inline(always)]
    fn i64(self) -> i64 {
        self
    }
}

/// Where nobody asks for indices.
impl Index for () {
    #[inline(always)]
    fn of(_: isize) {}
    #[inline(always)]
    fn i64(self) -> i64 {
        0
    }
}

crate::multiversion! {
    /// One plane, strip by strip: per window the best value, and where its row starts plus its tap's offset.
    unsafe fn max_plane[F: Float, I: Index](x: *const F, y: *mut F, index: *mut i64, p: &Pool) {
        let [_, h, w] = p.input;
        for od in 0..p.output[0] {
            for oh in 0..p.output[1] {
                let row = (od * p.output[1] + oh) * p.output[2];
                let mut from = 0;
                while from < p.output[2] {
                    let to = p.output[2].min(from + STRIP);
                    let mut best = [F::NEG_INF; STRIP];
                    let mut which = [I::of(0); STRIP];
                    let mut fresh = true;
                    for kd in p.taps(0, od, od + 1) {
                        let Some(d) = p.tap(0, od, kd) else { continue };
                        for kh in p.taps(1, oh, oh + 1) {
                            let Some(i) = p.tap(1, oh, kh) else { continue };
                            let start = (d * h + i) * w;
                            if std::mem::take(&mut fresh) {
                                first_taps(p, start, from, to, &mut which);
                            }
                            for kw in p.taps(2, from, to) {
                                let (lo, hi) = p.valid(kw, from, to);
                                let at = start as isize + p.start(2, lo) + (kw * p.dilation[2]) as isize;
                                let id = I::of((start + kw * p.dilation[2]) as isize);
                                let (best, which) = (&mut best[lo - from..hi - from], &mut which[lo - from..hi - from]);
                                with_stride!(p.stride[2], tap::<F, I>(x.wrapping_offset(at), p.stride[2], best, which, id));
                            }
                        }
                    }
                    for j in 0..to - from {
                        *y.add(row + from + j) = best[j];
                    }
                    if !index.is_null() {
                        for j in 0..to - from {
                            *index.add(row + from + j) = which[j].i64() + p.start(2, from + j) as i64;
                        }
                        for j in from..if p.may_miss() { to } else { from } {
                            if fresh || p.taps(2, j, j + 1).is_empty() {
                                *index.add(row + j) = -1;
                            }
                        }
                    }
                    from = to;
                }
            }
        }
    }
}

/// A plane of narrow rows without dilation, whose windows all have taps.
unsafe fn max_windows<F: Float>(x: *const F, y: *mut F, index: *mut i64, p: &Pool) {
    let [_, h, w] = p.input;
    let columns: [std::ops::Range<usize>; NARROW] = std::array::from_fn(|o| p.covered(2, o));
    for od in 0..p.output[0] {
        for oh in 0..p.output[1] {
            let (depth, height) = (p.covered(0, od), p.covered(1, oh));
            let to = (od * p.output[1] + oh) * p.output[2];
            for ow in 0..p.output[2] {
                let mut best = F::NEG_INF;
                let mut which = (depth.start * h + height.start) * w + columns[ow].start;
                for d in depth.clone() {
                    for i in height.clone() {
                        let row = (d * h + i) * w;
                        for j in row + columns[ow].start..row + columns[ow].end {
                            let v = *x.add(j);
                            let take = (v > best) | v.is_nan();
                            best = if take { v } else { best };
                            which = if take { j } else { which };
                        }
                    }
                }
                *y.add(to + ow) = best;
                if !index.is_null() {
                    *index.add(to + ow) = which as i64;
                }
            }
        }
    }
}

/// Windows of nothing but -inf have the index of their first element.
#[inline(always)]
fn first_taps<I: Index>(p: &Pool, start: usize, from: usize, to: usize, which: &mut [I; STRIP]) {
    for (j, which) in which.iter_mut().enumerate().take(to - from) {
        let before = (-p.start(2, from + j)).max(0) as usize;
        let skipped = before.div_ceil(p.dilation[2]) * p.dilation[2];
        *which = I::of((start + skipped) as isize);
    }
}

/// Compares one tap of adjacent windows, `stride` elements apart (`S` if not 0), with the best so far.
#[inline(always)]
unsafe fn tap<F: Float, I: Index, const S: usize>(x: *const F, stride: usize, best: &mut [F], which: &mut [I], id: I) {
    let stride = if S == 0 { stride } else { S };
    for (j, (best, which)) in best.iter_mut().zip(which).enumerate() {
        let v = *x.add(j * stride);
        let take = v > *best || v.is_nan();
        *best = if take { v } else { *best };
        *which = if take { id } else { *which };
    }
}
