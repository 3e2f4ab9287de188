//! Average pooling. Windows are summed tap by tap in row-major order, as in torch.

use super::{NARROW, Pool, STRIP, with_stride};
use crate::cpu::float::{Float, Shared, grain};
use crate::cpu::parallel;

/// What the sum of a window is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divisor {
    /// The window's size, taps in the padding included, taps beyond it not.
    WithPadding,
    /// The taps that lie in the input.
    Inside,
    /// A number of the caller's.
    Fixed(f64),
}

/// Writes the average of every window. The dilation is 1.
///
/// # Safety
/// The module's contract.
pub unsafe fn avg_pool_forward<F: Float>(x: *const F, y: *mut F, planes: usize, p: &Pool, divisor: Divisor) {
    let (x, y) = (Shared::new(x), Shared(y));
    let (n, m) = (p.in_plane(), p.out_plane());
    parallel::chunks(planes, grain(p.work()), &|r| {
        // SAFETY: plane i alone.
        r.for_each(|i| unsafe {
            if p.output[2] < NARROW {
                avg_windows(x.at(i * n), y.at(i * m), p, divisor)
            } else {
                avg_plane(x.at(i * n), y.at(i * m), p, divisor)
            }
        });
    });
}

/// Writes the gradient of [`avg_pool_forward`].
///
/// # Safety
/// The module's contract.
pub unsafe fn avg_pool_backward<F: Float>(g: *const F, dx: *mut F, planes: usize, p: &Pool, divisor: Divisor) {
    let (g, dx) = (Shared::new(g), Shared(dx));
    let (n, m) = (p.in_plane(), p.out_plane());
    parallel::chunks(planes, grain(p.work()), &|r| {
        // SAFETY: plane i alone.
        r.for_each(|i| unsafe { avg_plane_backward(g.at(i * m), dx.at(i * n), p, divisor) });
    });
}

impl Pool {
    /// Taps of window `o` along dim `d`: inside the padded input, and inside the input.
    #[inline(always)]
    fn counts(&self, d: usize, o: usize) -> (usize, usize) {
        let start = self.start(d, o);
        let (n, pad) = (self.input[d] as isize, self.padding[d] as isize);
        let end = (start + self.kernel[d] as isize).min(n + pad);
        ((end - start).max(0) as usize, (end.min(n) - start.max(0)).max(0) as usize)
    }

    /// The divisor of every window of a strip; 1 for windows without any tap, whose sum is 0.
    #[inline(always)]
    fn divisors<F: Float>(&self, divisor: Divisor, od: usize, oh: usize, from: usize, out: &mut [F]) {
        let ((pd, id), (ph, ih)) = (self.counts(0, od), self.counts(1, oh));
        for (j, out) in out.iter_mut().enumerate() {
            let (pw, iw) = self.counts(2, from + j);
            let inside = id * ih * iw;
            *out = match divisor {
                _ if inside == 0 => F::ONE,
                Divisor::WithPadding => F::of(pd as f64 * ph as f64 * pw as f64),
                Divisor::Inside => F::of(inside as f64),
                Divisor::Fixed(d) => F::of(d),
            };
        }
    }
}

crate::multiversion! {
    unsafe fn avg_plane[F: Float](x: *const F, y: *mut F, p: &Pool, divisor: Divisor) {
        let [_, h, w] = p.input;
        // Rows may be far shorter: no more is written of the strips than a row has.
        let (mut total, mut by) = ([F::ZERO; STRIP], [F::ONE; STRIP]);
        for od in 0..p.output[0] {
            for oh in 0..p.output[1] {
                let row = (od * p.output[1] + oh) * p.output[2];
                let mut from = 0;
                while from < p.output[2] {
                    let to = p.output[2].min(from + STRIP);
                    let (total, by) = (&mut total[..to - from], &mut by[..to - from]);
                    total.fill(F::ZERO);
                    for kd in p.taps(0, od, od + 1) {
                        let Some(d) = p.tap(0, od, kd) else { continue };
                        for kh in p.taps(1, oh, oh + 1) {
                            let Some(i) = p.tap(1, oh, kh) else { continue };
                            for kw in p.taps(2, from, to) {
                                let (lo, hi) = p.valid(kw, from, to);
                                let at = ((d * h + i) * w + kw) as isize + p.start(2, lo);
                                let total = &mut total[lo - from..hi - from];
                                with_stride!(p.stride[2], add::<F>(x.wrapping_offset(at), p.stride[2], total));
                            }
                        }
                    }
                    p.divisors(divisor, od, oh, from, by);
                    for j in 0..to - from {
                        *y.add(row + from + j) = total[j] / by[j];
                    }
                    from = to;
                }
            }
        }
    }
}

/// A plane of narrow rows.
unsafe fn avg_windows<F: Float>(x: *const F, y: *mut F, p: &Pool, divisor: Divisor) {
    let [_, h, w] = p.input;
    let columns: [std::ops::Range<usize>; NARROW] = std::array::from_fn(|o| p.covered(2, o));
    let mut by = [F::ONE; NARROW];
    for od in 0..p.output[0] {
        for oh in 0..p.output[1] {
            let y = y.add((od * p.output[1] + oh) * p.output[2]);
            p.divisors(divisor, od, oh, 0, &mut by[..p.output[2]]);
            for ow in 0..p.output[2] {
                let mut total = F::ZERO;
                for d in p.covered(0, od) {
                    for i in p.covered(1, oh) {
                        let row = x.add((d * h + i) * w);
                        for j in columns[ow].clone() {
                            total += *row.add(j);
                        }
                    }
                }
                *y.add(ow) = total / by[ow];
            }
        }
    }
}

#[inline(always)]
unsafe fn add<F: Float, const S: usize>(x: *const F, stride: usize, total: &mut [F]) {
    let stride = if S == 0 { stride } else { S };
    for (j, total) in total.iter_mut().enumerate() {
        *total += *x.add(j * stride);
    }
}

crate::multiversion! {
    unsafe fn avg_plane_backward[F: Float](g: *const F, dx: *mut F, p: &Pool, divisor: Divisor) {
        let [_, h, w] = p.input;
        dx.write_bytes(0, p.in_plane());
        let mut part = [F::ONE; STRIP];
        for od in 0..p.output[0] {
            for oh in 0..p.output[1] {
                let row = (od * p.output[1] + oh) * p.output[2];
                let mut from = 0;
                while from < p.output[2] {
                    let to = p.output[2].min(from + STRIP);
                    p.divisors(divisor, od, oh, from, &mut part[..to - from]);
                    for j in 0..to - from {
                        part[j] = *g.add(row + from + j) / part[j];
                    }
                    for kd in p.taps(0, od, od + 1) {
                        let Some(d) = p.tap(0, od, kd) else { continue };
                        for kh in p.taps(1, oh, oh + 1) {
                            let Some(i) = p.tap(1, oh, kh) else { continue };
                            for kw in p.taps(2, from, to) {
                                let (lo, hi) = p.valid(kw, from, to);
                                let at = ((d * h + i) * w + kw) as isize + p.start(2, lo);
                                let part = &part[lo - from..hi - from];
                                with_stride!(p.stride[2], spread::<F>(dx.wrapping_offset(at), p.stride[2], part));
                            }
                        }
                    }
                    from = to;
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn spread<F: Float, const S: usize>(dx: *mut F, stride: usize, part: &[F]) {
    let stride = if S == 0 { stride } else { S };
    for (j, &part) in part.iter().enumerate() {
        *dx.add(j * stride) += part;
    }
}
