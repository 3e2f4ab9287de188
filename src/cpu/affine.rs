//! Grids of affine maps of coordinates, and the gradients by the maps.
//!
//! # Contract of the unsafe code
//! `theta` addresses (n, dims, dims + 1) contiguous elements, `grid` (n, *size, dims), `lines` as many coordinates as the
//! sizes of x, y and z say; outputs are no inputs.

#![allow(clippy::needless_range_loop, reason = "one index runs through several streams")]
#![allow(unsafe_op_in_unsafe_fn, reason = "one contract for all of it, stated above")]

use super::float::{Float, Shared, grain};
use super::parallel;

/// The places of a grid.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    /// Maps.
    pub n: usize,
    /// Two or three.
    pub dims: usize,
    /// How many coordinates x, y and z have; z has one where there are two dims.
    pub size: [usize; 3],
}

impl Affine {
    /// Elements of a row of places.
    fn width(&self) -> usize {
        self.size[0] * self.dims
    }

    fn rows(&self) -> usize {
        self.size[1] * self.size[2]
    }

    /// Coordinates y and z of a row.
    ///
    /// # Safety
    /// The module's contract.
    #[inline(always)]
    unsafe fn outer<F: Float>(&self, lines: [*const F; 3], row: usize) -> [F; 2] {
        let z = if self.dims == 3 { *lines[2].add(row / self.size[1]) } else { F::ZERO };
        [*lines[1].add(row % self.size[1]), z]
    }
}

/// Writes the grid of every map.
///
/// # Safety
/// The module's contract.
pub unsafe fn grid<F: Float>(theta: *const F, lines: [*const F; 3], grid: *mut F, p: &Affine) {
    let (theta, grid, lines) = (Shared::new(theta), Shared(grid), lines.map(Shared::new));
    let (w, rows, dims) = (p.width(), p.rows(), p.dims);
    parallel::chunks(p.n * rows, grain(2 * w), &|range| {
        let lines = lines.map(|l| l.get().cast_const());
        // What a row adds to: x times its factor; and the factors of y and z and the shift, as often as there are places.
        let mut terms = crate::error::filled(F::ZERO, 4 * w);
        let mut of = usize::MAX;
        for task in range {
            let (map, row) = (task / rows, task % rows);
            // SAFETY: one row of one grid.
            unsafe {
                if of != map {
                    of = map;
                    let factor = |j: usize, k: usize| *theta.at((map * dims + j % dims) * (dims + 1) + k);
                    for j in 0..w {
                        terms[j] = (*lines[0].add(j / dims)).fma(factor(j, 0), F::ZERO);
                        terms[w + j] = factor(j, 1);
                        terms[2 * w + j] = if dims == 3 { factor(j, 2) } else { F::ZERO };
                        terms[3 * w + j] = factor(j, dims);
                    }
                }
                grid_row::<F>(terms.as_ptr(), p.outer(lines, row), dims == 3, grid.at(task * w), w);
            }
        }
    });
}

crate::multiversion! {
    unsafe fn grid_row[F: Float](terms: *const F, outer: [F; 2], deep: bool, to: *mut F, w: usize) {
        let (by_y, by_z, shift) = (terms.add(w), terms.add(2 * w), terms.add(3 * w));
        let [y, z] = outer;
        if deep {
            for j in 0..w {
                *to.add(j) = z.fma(*by_z.add(j), y.fma(*by_y.add(j), *terms.add(j))) + *shift.add(j);
            }
        } else {
            for j in 0..w {
                *to.add(j) = y.fma(*by_y.add(j), *terms.add(j)) + *shift.add(j);
            }
        }
    }
}

/// Rows that are summed before the sum joins others.
const ROWS: usize = 64;

/// Writes the gradient of [`grid`] by the maps.
///
/// # Safety
/// The module's contract; `g` is like grid, `dtheta` like theta.
pub unsafe fn gradient<F: Float>(g: *const F, lines: [*const F; 3], dtheta: *mut F, p: &Affine) {
    let (g, dtheta, lines) = (Shared::new(g), Shared(dtheta), lines.map(Shared::new));
    let (w, rows, dims) = (p.width(), p.rows(), p.dims);
    parallel::chunks(p.n, grain(w * rows), &|range| {
        let lines = lines.map(|l| l.get().cast_const());
        let mut sums = crate::error::filled(F::ZERO, 3 * w);
        for map in range {
            // By row and column of a map.
            let mut total = [[0.0f64; 4]; 3];
            for first in (0..rows).step_by(ROWS) {
                sums.fill(F::ZERO);
                for row in first..rows.min(first + ROWS) {
                    // SAFETY: one row of one grid.
                    unsafe {
                        let g = g.at((map * rows + row) * w);
                        gradient_row::<F>(g, p.outer(lines, row), dims == 3, sums.as_mut_ptr(), w);
                    }
                }
                for j in 0..w {
                    let t = &mut total[j % dims];
                    // SAFETY: as many coordinates as places in a row.
                    t[0] += sums[j].f64() * unsafe { *lines[0].add(j / dims) }.f64();
                    t[1] += sums[w + j].f64();
                    t[2] += sums[2 * w + j].f64();
                    t[3] += sums[j].f64();
                }
            }
            for (i, t) in total.iter().enumerate().take(dims) {
                for k in 0..=dims {
                    // SAFETY: one map.
                    unsafe {
                        *dtheta.at((map * dims + i) * (dims + 1) + k) = F::of(if k == dims { t[3] } else { t[k] });
                    }
                }
            }
        }
    });
}

crate::multiversion! {
    /// Adds a row to the sums of g, y g and z g.
    unsafe fn gradient_row[F: Float](g: *const F, outer: [F; 2], deep: bool, sums: *mut F, w: usize) {
        let (by_y, by_z) = (sums.add(w), sums.add(2 * w));
        let [y, z] = outer;
        for j in 0..w {
            let g = *g.add(j);
            *sums.add(j) += g;
            *by_y.add(j) = y.fma(g, *by_y.add(j));
        }
        if deep {
            for j in 0..w {
                *by_z.add(j) = z.fma(*g.add(j), *by_z.add(j));
            }
        }
    }
}
