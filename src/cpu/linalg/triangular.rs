//! Triangular systems.

use super::{Field, View, axpy, product, zero};

/// Unknowns that are solved for by substitution; more of them are split in two.
const BLOCK: usize = 32;

/// Solves `a @ x = b` for triangular `a`, of which the other triangle is not read, nor the diagonal if `unit`; x takes
/// b's place. A zero on the diagonal gives infinities and NaN, as division does.
///
/// # Safety
/// `a` is n x n, `b` has n rows; the folder's contract.
pub unsafe fn solve<T: Field>(a: View<T>, b: View<T>, upper: bool, unit: bool) {
    let n = a.n;
    if n <= BLOCK {
        return substitute(a, b, upper, unit);
    }
    let h = n.div_ceil(2).next_multiple_of(8).min(n - 1);
    let (first, second) = (a.sub(0, 0, h, h), a.sub(h, h, n - h, n - h));
    let (top, bottom) = (b.sub(0, 0, h, b.n), b.sub(h, 0, n - h, b.n));
    if upper {
        solve(second, bottom, upper, unit);
        product(top, -1.0, a.sub(0, h, h, n - h), bottom, 1.0);
        solve(first, top, upper, unit);
    } else {
        solve(first, top, upper, unit);
        product(bottom, -1.0, a.sub(h, 0, n - h, h), top, 1.0);
        solve(second, bottom, upper, unit);
    }
}

/// Right-hand sides that are solved for side by side.
const LANES: usize = 32;
/// Fewer of them are solved for one by one.
const FEW: usize = 4;

unsafe fn substitute<T: Field>(a: View<T>, b: View<T>, upper: bool, unit: bool) {
    let mut j = 0;
    while b.n - j >= FEW {
        let w = LANES.min(b.n - j);
        together(a, b.sub(0, j, b.m, w), upper, unit);
        j += w;
    }
    for j in j..b.n {
        for s in 0..a.n {
            let i = if upper { a.n - 1 - s } else { s };
            if !unit {
                *b.at(i, j) = *b.at(i, j) / *a.at(i, i);
            }
            // Rows below (above) the pivot take part.
            let (from, len) = if upper { (0, i) } else { (i + 1, a.n - i - 1) };
            axpy(len, -*b.at(i, j), a.at(from, i), a.rs, b.at(from, j), b.rs);
        }
    }
}

crate::multiversion! {
    /// [`substitute`] for up to [`LANES`] right-hand sides.
    unsafe fn together[T: Field](a: View<T>, b: View<T>, upper: bool, unit: bool) {
        let n = a.n;
        let mut x = [[zero::<T>(); LANES]; BLOCK];
        if b.cs == 1 {
            for (i, row) in x[..n].iter_mut().enumerate() {
                row.as_mut_ptr().copy_from_nonoverlapping(b.at(i, 0), b.n);
            }
        } else {
            for l in 0..b.n {
                for (i, row) in x[..n].iter_mut().enumerate() {
                    row[l] = *b.at(i, l);
                }
            }
        }
        for s in 0..n {
            let i = if upper { n - 1 - s } else { s };
            let mut row = x[i];
            // Unknowns that are known: the sums of all lanes stay in registers.
            for s in 0..s {
                let k = if upper { n - 1 - s } else { s };
                let factor = *a.at(i, k);
                for (v, &known) in row.iter_mut().zip(&x[k]) {
                    *v -= factor * known;
                }
            }
            if !unit {
                let pivot = *a.at(i, i);
                for v in &mut row {
                    *v = *v / pivot;
                }
            }
            x[i] = row;
        }
        if b.cs == 1 {
            for (i, row) in x[..n].iter().enumerate() {
                b.at(i, 0).copy_from_nonoverlapping(row.as_ptr(), b.n);
            }
        } else {
            for l in 0..b.n {
                for (i, row) in x[..n].iter().enumerate() {
                    *b.at(i, l) = row[l];
                }
            }
        }
    }
}
