//! Cholesky factorisation.

use super::{Field, View, axpy, product, triangular, zero};
use crate::cpu::float::Scratch;
use crate::error::Result;
use crate::tensor::dtype::C128;

/// Columns that are factorised one by one; more of them are split in two.
const BLOCK: usize = 24;
/// Columns of the remainder that are updated at once: above its diagonal nothing is wanted.
const STRIPE: usize = 128;

/// Factorises the Hermitian `a = L L^H` in place; reads and writes the lower triangle alone.
///
/// Returns the order, from 1, of the first leading minor that is not positive, or 0.
///
/// # Safety
/// `a` is square; the folder's contract.
pub unsafe fn factor<T: Field>(a: View<T>) -> Result<i32> {
    // The conjugate of a block of columns; real ones are their own.
    let scratch = Scratch::<T>::new(if T::COMPLEX { a.n * a.n.div_ceil(2) } else { 0 })?;
    Ok(recurse(a, scratch.ptr()))
}

unsafe fn recurse<T: Field>(a: View<T>, scratch: *mut T) -> i32 {
    let n = a.n;
    if n <= BLOCK {
        return eliminate(a);
    }
    let h = (n / 2).next_multiple_of(8).min(n - 1);
    let info = recurse(a.sub(0, 0, h, h), scratch);
    if info != 0 {
        return info;
    }
    // L21 L11^H = A21, that is L11 conj(L21)^T = conj(A21)^T.
    let below = a.sub(h, 0, n - h, h);
    below.conjugate();
    triangular::solve(a.sub(0, 0, h, h), below.t(), false, false);
    let conj = if T::COMPLEX {
        let copy = View::columns(scratch, n - h, h);
        copy.copy_conj(below.conj_in_place());
        copy
    } else {
        below
    };
    let rest = a.sub(h, h, n - h, n - h);
    for j in (0..n - h).step_by(STRIPE) {
        let w = STRIPE.min(n - h - j);
        product(rest.sub(j, j, n - h - j, w), -1.0, below.sub(j, 0, n - h - j, h), conj.sub(j, 0, w, h).t(), 1.0);
    }
    match recurse(rest, scratch) {
        0 => 0,
        i => i + h as i32,
    }
}

unsafe fn eliminate<T: Field>(a: View<T>) -> i32 {
    for j in 0..a.n {
        let d = (*a.at(j, j)).wide().re;
        // NaN is no positive pivot either.
        if !(d > 0.0) {
            return j as i32 + 1;
        }
        let root = d.sqrt();
        *a.at(j, j) = T::of(C128::new(root, 0.0));
        let pivot = *a.at(j, j);
        for i in j + 1..a.n {
            *a.at(i, j) = *a.at(i, j) / pivot;
        }
        for c in j + 1..a.n {
            let x = (*a.at(c, j)).conj();
            if x != zero() {
                axpy(a.n - c, -x, a.at(c, j), a.rs, a.at(c, c), a.rs);
            }
        }
    }
    0
}

impl<T: Field> View<T> {
    unsafe fn conj_in_place(self) -> Self {
        self.conjugate();
        self
    }
}
