//! Max pooling of windows that start where a list says.

use crate::cpu::float::{Float, Shared, grain};
use crate::cpu::parallel;

/// The geometry: depth, height, width, 1 where a dim is missing.
#[derive(Clone, Copy, Debug)]
pub struct Fractional {
    /// Extents of an input plane.
    pub input: [usize; 3],
    /// Extents of an output plane.
    pub output: [usize; 3],
    /// Extents of a window.
    pub kernel: [usize; 3],
}

impl Fractional {
    /// Windows along all dims of one plane.
    fn windows(&self) -> usize {
        self.output.iter().sum()
    }
}

/// Where the windows of every plane start: those along depth, then height, then width, all within the input. `samples`
/// (planes, dims) name the last dim first; dims before them start at 0.
///
/// # Safety
/// `samples` addresses as many elements.
pub unsafe fn fractional_starts<F: Float>(samples: *const F, dims: usize, planes: usize, p: &Fractional) -> Vec<usize> {
    let mut starts = crate::error::room(planes * p.windows());
    for plane in 0..planes {
        for d in 0..3 {
            let (out, last) = (p.output[d], p.input[d] - p.kernel[d]);
            if d + dims < 3 {
                starts.extend(std::iter::repeat_n(0, out));
                continue;
            }
            // torch rounds on the way in the samples' dtype and cuts fractions off, and so do we: the starts depend on it.
            let step = F::of(if out > 1 { last as f64 / (out - 1) as f64 } else { 0.0 });
            let whole = |x: F| x.f64() as i64;
            let u = *samples.add(plane * dims + 2 - d);
            let first = whole(u * step);
            let start =
                |o: usize| whole((u + F::of(o as f64)) * step).wrapping_sub(first).clamp(0, last as i64) as usize;
            // The last window ends with the input.
            starts.extend((0..out).map(|o| if o + 1 == out { last } else { start(o) }));
        }
    }
    starts
}

/// Writes the largest value of every window and its flat index in the input plane; the last NaN wins. `starts` are those
/// of [`fractional_starts`].
///
/// # Safety
/// The module's contract; `index` addresses as many elements as `y`.
pub unsafe fn fractional_max_pool<F: Float>(
    x: *const F,
    starts: &[usize],
    (y, index): (*mut F, *mut i64),
    planes: usize,
    p: &Fractional,
) {
    let (x, y, index) = (Shared::new(x), Shared(y), Shared(index));
    let (n, m): (usize, usize) = (p.input.iter().product(), p.output.iter().product());
    parallel::chunks(planes, grain(m * p.kernel.iter().product::<usize>()), &|range| {
        for i in range {
            let (depth, rest) = starts[i * p.windows()..(i + 1) * p.windows()].split_at(p.output[0]);
            let (height, width) = rest.split_at(p.output[1]);
            let (x, y, index) = (x.at(i * n), y.at(i * m), index.at(i * m));
            let mut o = 0;
            for &d in depth {
                for &h in height {
                    for &w in width {
                        // SAFETY: the window lies within plane i.
                        unsafe {
                            let (best, at) = window(x, [d, h, w], p);
                            (*y.add(o), *index.add(o)) = (best, at as i64);
                        }
                        o += 1;
                    }
                }
            }
        }
    });
}

#[inline(always)]
unsafe fn window<F: Float>(x: *const F, start: [usize; 3], p: &Fractional) -> (F, usize) {
    let flat = |d: usize, h: usize, w: usize| (d * p.input[1] + h) * p.input[2] + w;
    let mut best = (F::NEG_INF, flat(start[0], start[1], start[2]));
    for d in start[0]..start[0] + p.kernel[0] {
        for h in start[1]..start[1] + p.kernel[1] {
            let row = flat(d, h, start[2]);
            for w in row..row + p.kernel[2] {
                let v = *x.add(w);
                if v > best.0 || v.is_nan() {
                    best = (v, w);
                }
            }
        }
    }
    best
}
