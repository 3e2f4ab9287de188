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

/// Writes the largest value of every window and its flat index in the input plane; the last NaN wins. `starts` has, for
/// each dim and plane, where the windows along it start, or is null where they all start at 0.
///
/// # Safety
/// The module's contract; `index` addresses as many elements as `y`, `starts[d]` (planes, output[d]), and a window fits.
pub unsafe fn fractional_max_pool<F: Float>(
    x: *const F,
    starts: [*const i64; 3],
    (y, index): (*mut F, *mut i64),
    planes: usize,
    p: &Fractional,
) {
    let (x, y, index) = (Shared::new(x), Shared(y), Shared(index));
    let starts = starts.map(Shared::new);
    let (n, m): (usize, usize) = (p.input.iter().product(), p.output.iter().product());
    parallel::chunks(planes, grain(m * p.kernel.iter().product::<usize>()), &|range| {
        for i in range {
            // Held within the plane, whatever the samples were.
            let start = |d: usize, o: usize| -> usize {
                let from = starts[d].at(i * p.output[d]);
                // SAFETY: one start for each window along the dim.
                let at = if from.is_null() { 0 } else { unsafe { *from.add(o) } };
                at.clamp(0, (p.input[d] - p.kernel[d]) as i64) as usize
            };
            let (x, y, index) = (x.at(i * n), y.at(i * m), index.at(i * m));
            let mut o = 0;
            for od in 0..p.output[0] {
                for oh in 0..p.output[1] {
                    for ow in 0..p.output[2] {
                        // SAFETY: the window lies within plane i.
                        unsafe {
                            let (best, at) = window(x, [start(0, od), start(1, oh), start(2, ow)], p);
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
