//! Inverses of triangular matrices and of factored ones: `A^-1 = U^-1 L^-1 P^T` (Higham, Accuracy and Stability of Numerical
//! Algorithms, section 14.3, method D).

use super::{Field, View, lu, product, triangular};
use crate::cpu::float::Scratch;
use crate::error::Result;

/// Unknowns that are solved for by substitution; more of them are split in two.
const BLOCK: usize = 24;

/// Writes the inverse of a triangular matrix to `x`, zeros included; of `a` the other triangle is not read, nor the diagonal
/// if `unit`.
///
/// # Safety
/// Both are n x n; the folder's contract.
pub unsafe fn triangle<T: Field>(a: View<T>, x: View<T>, upper: bool, unit: bool) -> Result<()> {
    let n = a.n;
    x.set_identity();
    let h = half(n);
    let scratch = Scratch::<T>::new(h * (n - h))?;
    recurse(a, x, upper, unit, scratch.ptr());
    Ok(())
}

fn half(n: usize) -> usize {
    if n <= BLOCK { 0 } else { n.div_ceil(2).next_multiple_of(8).min(n - 1) }
}

unsafe fn recurse<T: Field>(a: View<T>, x: View<T>, upper: bool, unit: bool, scratch: *mut T) {
    let (n, h) = (a.n, half(a.n));
    if h == 0 {
        return triangular::solve(a, x, upper, unit);
    }
    let (first, second) = (x.sub(0, 0, h, h), x.sub(h, h, n - h, n - h));
    recurse(a.sub(0, 0, h, h), first, upper, unit, scratch);
    recurse(a.sub(h, h, n - h, n - h), second, upper, unit, scratch);
    // The block beside the diagonal: -X2 A21 X1 below, -X1 A12 X2 above.
    let (rows, cols, left, right) = if upper { (0, h, first, second) } else { (h, 0, second, first) };
    let beside = a.sub(rows, cols, left.n, right.m);
    let half = View::columns(scratch, left.n, right.m);
    product(half, 1.0, left, beside, 0.0);
    product(x.sub(rows, cols, left.n, right.m), -1.0, half, right, 0.0);
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
    triangle(factors, u, true, false)?;
    triangle(factors, l, false, true)?;
    product(x, 1.0, u, l, 0.0);
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
    triangle(l, inverse, false, false)?;
    let conj = if T::COMPLEX {
        let copy = View::columns(scratch.ptr().wrapping_add(n * n), n, n);
        copy.copy_conj(inverse);
        copy
    } else {
        inverse
    };
    product(x, 1.0, conj.t(), inverse, 0.0);
    Ok(())
}
