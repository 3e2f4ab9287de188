//! Adaptive pooling: output `o` of `m` covers the inputs from `floor(o n / m)` to `ceil((o + 1) n / m)`.

use super::max_pool_backward;
use crate::cpu::float::{Float, Shared, grain};
use crate::cpu::parallel;
use crate::cpu::reduce::{Reduce, reduce};
use crate::tensor::Strided;
use std::ops::Range;

/// Writes the average of every window; `input` and `output` are the extents of a plane (depth, height, width).
///
/// # Safety
/// The module's contract.
pub unsafe fn adaptive_avg_pool_forward<F: Float>(
    x: *const F,
    y: *mut F,
    planes: usize,
    (input, output): ([usize; 3], [usize; 3]),
) {
    let (n, m) = (input.iter().product::<usize>(), output.iter().product::<usize>());
    if m == 1 {
        let x = Strided { ptr: x.cast_mut().cast(), dtype: F::DTYPE, shape: &[planes, n], strides: &[n as isize, 1] };
        let y = Strided { ptr: y.cast(), dtype: F::DTYPE, shape: &[planes, 1], strides: &[1, 1] };
        return reduce(Reduce::Mean, &x, &y, 0.0);
    }
    let (x, y) = (Shared::new(x), Shared(y));
    parallel::chunks(planes, grain(n + m), &|r| {
        for i in r {
            // SAFETY: plane i alone.
            unsafe { avg_windows(x.at(i * n), y.at(i * m), input, output) }
        }
    });
}

/// Writes the gradient of [`adaptive_avg_pool_forward`].
///
/// # Safety
/// The module's contract.
pub unsafe fn adaptive_avg_pool_backward<F: Float>(
    g: *const F,
    dx: *mut F,
    planes: usize,
    (input, output): ([usize; 3], [usize; 3]),
) {
    let (g, dx) = (Shared::new(g), Shared(dx));
    let (n, m) = (input.iter().product::<usize>(), output.iter().product::<usize>());
    parallel::chunks(planes, grain(n + m), &|r| {
        for i in r {
            let (g, dx) = (g.at(i * m), dx.at(i * n));
            // SAFETY: plane i alone.
            unsafe {
                dx.write_bytes(0, n);
                windows(input, output, |o, [d, h, w]| {
                    let part = *g.add(o) / F::of(d.len() as f64) / F::of(h.len() as f64) / F::of(w.len() as f64);
                    for row in rows(input, &d, &h) {
                        w.clone().for_each(|j| *dx.add(row + j) += part);
                    }
                });
            }
        }
    });
}

/// Writes the largest value of every window and its flat index in the input plane.
///
/// # Safety
/// The module's contract; `index` addresses as many elements as `y`.
pub unsafe fn adaptive_max_pool_forward<F: Float>(
    x: *const F,
    (y, index): (*mut F, *mut i64),
    planes: usize,
    (input, output): ([usize; 3], [usize; 3]),
) {
    let (x, y, index) = (Shared::new(x), Shared(y), Shared(index));
    let (n, m) = (input.iter().product::<usize>(), output.iter().product::<usize>());
    parallel::chunks(planes, grain(n + m), &|r| {
        for i in r {
            let (x, y, index) = (x.at(i * n), y.at(i * m), index.at(i * m));
            // SAFETY: plane i alone.
            unsafe {
                windows(input, output, |o, [d, h, w]| {
                    let (mut best, mut which) = (F::NEG_INF, (d.start * input[1] + h.start) * input[2] + w.start);
                    for row in rows(input, &d, &h) {
                        for j in w.clone() {
                            let v = *x.add(row + j);
                            if v > best || v.is_nan() {
                                (best, which) = (v, row + j);
                            }
                        }
                    }
                    *y.add(o) = best;
                    *index.add(o) = which as i64;
                });
            }
        }
    });
}

/// Writes the gradient of [`adaptive_max_pool_forward`] from its indices; planes of `n` inputs and `m` outputs.
///
/// # Safety
/// The module's contract.
pub unsafe fn adaptive_max_pool_backward<F: Float>(
    g: *const F,
    index: *const i64,
    dx: *mut F,
    planes: usize,
    (n, m): (usize, usize),
) {
    max_pool_backward(g, index, dx, planes, (n, m));
}

/// The inputs that output `o` of `m` covers.
#[inline(always)]
fn window(o: usize, n: usize, m: usize) -> Range<usize> {
    o * n / m..((o + 1) * n).div_ceil(m)
}

/// Calls `f(output, window)` for every output of a plane.
#[inline(always)]
fn windows(input: [usize; 3], output: [usize; 3], mut f: impl FnMut(usize, [Range<usize>; 3])) {
    let mut o = 0;
    for d in 0..output[0] {
        for h in 0..output[1] {
            for w in 0..output[2] {
                f(o, [window(d, input[0], output[0]), window(h, input[1], output[1]), window(w, input[2], output[2])]);
                o += 1;
            }
        }
    }
}

/// Where the rows of a window start.
#[inline(always)]
fn rows(input: [usize; 3], d: &Range<usize>, h: &Range<usize>) -> impl Iterator<Item = usize> {
    let h = h.clone();
    d.clone().flat_map(move |d| h.clone().map(move |h| (d * input[1] + h) * input[2]))
}

crate::multiversion! {
    unsafe fn avg_windows[F: Float](x: *const F, y: *mut F, input: [usize; 3], output: [usize; 3]) {
        windows(input, output, |o, [d, h, w]| {
            let mut total = F::ZERO;
            for row in rows(input, &d, &h) {
                for j in w.clone() {
                    total += *x.add(row + j);
                }
            }
            *y.add(o) = total / F::of(d.len() as f64) / F::of(h.len() as f64) / F::of(w.len() as f64);
        });
    }
}
