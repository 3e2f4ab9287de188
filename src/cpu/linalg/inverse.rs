//! Inverses of triangular matrices and of factored ones: `A^-1 = U^-1 L^-1 P^T` (Higham, Accuracy and Stability of Numerical
//! Algorithms, section 14.3, method D).

use super::{Field, View, lu, product, triangular};
use crate::cpu::float::Scratch;
use crate::error::Result;

/// Unknowns that are solved for by substitution; more of them are split in two.
const BLOCK: usize = 24;

/// Columns of a product of triangles that are computed at once, without the zeros above or below all of them.
const STRIPE: usize = 128;

/// Writes the inverse of a triangular matrix to `x`, zeros included; of `a` the other triangle is not read, nor the diagonal
/// if `unit`.
///
/// # Safety
/// Both are n x n; the folder's contract.
pub unsafe fn triangle<T: Field>(a: View<T>, x: View<T>, upper: bool, unit: bool) {
    x.set_identity();
    recurse(a, x, upper, unit);
}

unsafe fn recurse<T: Field>(a: View<T>, x: View<T>, upper: bool, unit: bool) {
    let n = a.n;
    if n <= BLOCK {
        return triangular::solve(a, x, upper, unit);
    }
    let h = n.div_ceil(2).next_multiple_of(8).min(n - 1);
    let (first, second) = (a.sub(0, 0, h, h), a.sub(h, h, n - h, n - h));
    recurse(first, x.sub(0, 0, h, h), upper, unit);
    recurse(second, x.sub(h, h, n - h, n - h), upper, unit);
    // The block beside the diagonal: -A2^-1 A21 A1^-1 below, -A1^-1 A12 A2^-1 above.
    let (rows, cols, left, right) = if upper { (0, h, first, second) } else { (h, 0, second, first) };
    let beside = x.sub(rows, cols, left.n, right.n);
    beside.copy_negative(a.sub(rows, cols, left.n, right.n));
    triangular::solve(left, beside, upper, unit);
    triangular::solve(right.t(), beside.t(), !upper, unit);
}

/// Writes the inverse of a matrix given by its LU factors and pivots to `x`.
///
/// # Safety
/// All are n x n, `pivots` has n numbers; the folder's contract.
pub unsafe fn of_lu<T: Field>(factors: View<T>, pivots: *const i32, x: View<T>) -> Result<()> {
    let n = factors.n;
    if n <= BLOCK {
        x.set_identity();
        lu::exchange(x, pivots, n, false);
        triangular::solve(factors, x, false, true);
        triangular::solve(factors, x, true, false);
        return Ok(());
    }
    let scratch = Scratch::<T>::new(2 * n * n)?;
    let (u, l) = (View::columns(scratch.ptr(), n, n), View::columns(scratch.ptr().wrapping_add(n * n), n, n));
    triangle(factors, u, true, false);
    triangle(factors, l, false, true);
    for s in (0..n).step_by(STRIPE) {
        let (w, k) = (STRIPE.min(n - s), n - s);
        product(x.sub(0, s, s + w, w), 1.0, u.sub(0, s, s + w, k), l.sub(s, s, k, w), 0.0);
        product(x.sub(s, 0, w, s), 1.0, u.sub(s, s, w, k), l.sub(s, 0, k, s), 0.0);
    }
    // Columns of the inverse are exchanged as rows of the matrix were, the last first.
    lu::exchange(x.t(), pivots, n, true);
    Ok(())
}

/// Writes `(L L^H)^-1` for a lower triangle `l` to `x`.
///
/// # Safety
/// Both are n x n; the folder's contract.
pub unsafe fn of_cholesky<T: Field>(l: View<T>, x: View<T>) -> Result<()> {
    let n = l.n;
    let scratch = Scratch::<T>::new(if T::COMPLEX { 2 * n * n } else { n * n })?;
    let inverse = View::columns(scratch.ptr(), n, n);
    triangle(l, inverse, false, false);
    let conj = if T::COMPLEX {
        let copy = View::columns(scratch.ptr().wrapping_add(n * n), n, n);
        copy.copy_conj(inverse);
        copy
    } else {
        inverse
    };
    for s in (0..n).step_by(STRIPE) {
        let (w, k) = (STRIPE.min(n - s), n - s);
        product(x.sub(0, s, s + w, w), 1.0, conj.sub(s, 0, k, s + w).t(), inverse.sub(s, s, k, w), 0.0);
        x.sub(s, 0, w, s).copy_conj(x.sub(0, s, s, w).t());
    }
    Ok(())
}
