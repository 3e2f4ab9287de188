//! Rows scaled to given lengths.

use super::super::float::{Float, Shared, grain, long_sum};
use super::super::parallel;

/// Writes every row of `v` (n, m) with length `g[row]`, and the length it had.
///
/// # Safety
/// The module's contract; `g` and `length` address n elements.
pub unsafe fn weight_norm_forward<F: Float>(
    (v, g): (*const F, *const F),
    (y, length): (*mut F, *mut F),
    (n, m): (usize, usize),
) {
    let (v, g, y, length) = (Shared::new(v), Shared::new(g), Shared(y), Shared(length));
    parallel::chunks(n, grain(m), &|rows| {
        for i in rows {
            // SAFETY: one row.
            unsafe { *length.at(i) = forward_row::<F>(v.at(i * m), *g.at(i), y.at(i * m), m) };
        }
    });
}

crate::multiversion! {
    unsafe fn forward_row[F: Float](v: *const F, g: F, y: *mut F, m: usize) -> F {
        let length = F::of(long_sum(m, |i| *v.add(i) * *v.add(i)).sqrt());
        let by = g / length;
        (0..m).for_each(|i| *y.add(i) = *v.add(i) * by);
        length
    }
}

/// Writes the gradients by `v` and `g` of [`weight_norm_forward`]; `h` is that by its result.
///
/// # Safety
/// As above.
pub unsafe fn weight_norm_backward<F: Float>(
    h: *const F,
    (v, g, length): (*const F, *const F, *const F),
    (dv, dg): (*mut F, *mut F),
    (n, m): (usize, usize),
) {
    let (h, v, g, length) = (Shared::new(h), Shared::new(v), Shared::new(g), Shared::new(length));
    let (dv, dg) = (Shared(dv), Shared(dg));
    parallel::chunks(n, grain(2 * m), &|rows| {
        for i in rows {
            // SAFETY: one row.
            unsafe {
                *dg.at(i) = backward_row::<F>(h.at(i * m), v.at(i * m), *g.at(i), *length.at(i), dv.at(i * m), m);
            }
        }
    });
}

crate::multiversion! {
    unsafe fn backward_row[F: Float](h: *const F, v: *const F, g: F, length: F, dv: *mut F, m: usize) -> F {
        let along = F::of(long_sum(m, |i| *h.add(i) * *v.add(i)));
        let (by, back) = (g / length, along / (length * length));
        (0..m).for_each(|i| *dv.add(i) = by * (*h.add(i) - *v.add(i) * back));
        along / length
    }
}
