//! Factorisation of symmetric and Hermitian indefinite matrices (Bunch & Kaufman 1977, "Some stable methods for calculating
//! inertia and solving symmetric linear systems", algorithm A).

use super::{Field, View, axpy};
use crate::tensor::dtype::C128;

/// `(1 + sqrt(17)) / 8`, which bounds the growth of elements.
const ALPHA: f64 = 0.640_388_203_202_208;

#[inline]
fn size(z: C128) -> f64 {
    z.re.abs() + z.im.abs()
}

/// What a matrix with `a_ij = flip(a_ji)` is: conjugates if Hermitian.
#[derive(Clone, Copy)]
struct Flip(bool);

impl Flip {
    fn of(self, z: C128) -> C128 {
        if self.0 { z.conj() } else { z }
    }

    /// A diagonal element, real if Hermitian.
    fn diagonal(self, z: C128) -> C128 {
        if self.0 { C128::new(z.re, 0.0) } else { z }
    }
}

/// Factorises `a = P L D L^T P^T` (`L^H` if `hermitian`) in place, from its lower triangle: D has blocks of one or two rows,
/// and stands with L's columns in the lower triangle.
///
/// `pivots[k] = p > 0`: row k was exchanged with p; `pivots[k] = pivots[k + 1] = -p`: a block of two, row k + 1 was exchanged
/// with p. Returns the number, from 1, of the first block that is 0, or 0.
///
/// # Safety
/// `a` is square, `pivots` has room for n numbers; the folder's contract.
pub unsafe fn factor<T: Field>(a: View<T>, pivots: *mut i32, hermitian: bool) -> i32 {
    let n = a.n;
    let flip = Flip(hermitian);
    let get = |i: usize, j: usize| (*a.at(i, j)).wide();
    let set = |i: usize, j: usize, z: C128| *a.at(i, j) = T::of(z);
    let largest = |range: std::ops::Range<usize>, f: &dyn Fn(usize) -> f64| {
        range.fold((0, 0.0), |(at, best), i| if f(i) > best { (i, f(i)) } else { (at, best) })
    };
    let mut info = 0;
    let mut k = 0;
    while k < n {
        let here = size(flip.diagonal(get(k, k)));
        let (row, below) = largest(k + 1..n, &|i| size(get(i, k)));
        let (mut p, mut two) = (k, false);
        if here.max(below) == 0.0 || here.is_nan() {
            info = if info == 0 { k as i32 + 1 } else { info };
            set(k, k, flip.diagonal(get(k, k)));
            *pivots.add(k) = k as i32 + 1;
            k += 1;
            continue;
        }
        if here < ALPHA * below {
            let left = largest(k..row, &|j| size(get(row, j))).1;
            let other = left.max(largest(row + 1..n, &|i| size(get(i, row))).1);
            if here < ALPHA * below * (below / other) {
                p = row;
                two = size(flip.diagonal(get(row, row))) < ALPHA * other;
            }
        }
        let last = k + two as usize;
        if p != last {
            for i in p + 1..n {
                std::ptr::swap(a.at(i, last), a.at(i, p));
            }
            for j in last + 1..p {
                let (x, y) = (flip.of(get(j, last)), flip.of(get(p, j)));
                set(j, last, y);
                set(p, j, x);
            }
            set(p, last, flip.of(get(p, last)));
            std::ptr::swap(a.at(last, last), a.at(p, p));
            if two {
                std::ptr::swap(a.at(k + 1, k), a.at(p, k));
            }
        }
        for i in k..=last {
            set(i, i, flip.diagonal(get(i, i)));
        }
        if two {
            let (d, b) = (get(k + 1, k + 1), get(k + 1, k));
            // Scaled by the element off the diagonal, which is the largest of the block.
            let (top, bottom) = (get(k, k) / b, d / flip.of(b));
            let t = C128::new(1.0, 0.0) / (top * bottom - 1.0);
            for j in k + 2..n {
                let (x, y) = (get(j, k), get(j, k + 1));
                // [x, y] times the inverse of the block [[a, flip(b)], [b, d]].
                let w = t * (bottom * x - y * b / flip.of(b)) / b;
                let v = t * (top * y - x * flip.of(b) / b) / flip.of(b);
                let (fw, fv) = (T::of(flip.of(w)), T::of(flip.of(v)));
                axpy(n - j, -fw, a.at(j, k), a.rs, a.at(j, j), a.rs);
                axpy(n - j, -fv, a.at(j, k + 1), a.rs, a.at(j, j), a.rs);
                set(j, k, w);
                set(j, k + 1, v);
                set(j, j, flip.diagonal(get(j, j)));
            }
            *pivots.add(k) = -(p as i32 + 1);
            *pivots.add(k + 1) = -(p as i32 + 1);
        } else {
            let d = get(k, k);
            for j in k + 1..n {
                let w = get(j, k) / d;
                axpy(n - j, -T::of(flip.of(w)), a.at(j, k), a.rs, a.at(j, j), a.rs);
                set(j, k, w);
                set(j, j, flip.diagonal(get(j, j)));
            }
            *pivots.add(k) = p as i32 + 1;
        }
        k = last + 1;
    }
    info
}

/// Solves `a x = b` by [`factor`]'s result; x takes b's place.
///
/// # Safety
/// The folder's contract. Pivots lie within 1..=n and those of blocks of two stand in pairs; should another thread have
/// changed them since that was checked, no row outside is touched.
pub unsafe fn solve<T: Field>(ld: View<T>, pivots: *const i32, b: View<T>, hermitian: bool) {
    let n = ld.n;
    let flip = Flip(hermitian);
    let get = |i: usize, j: usize| (*ld.at(i, j)).wide();
    for c in 0..b.n {
        let x = |i: usize| b.at(i, c);
        let value = |i: usize| (*x(i)).wide();
        let mut k = 0;
        while k < n {
            let pivot = *pivots.add(k);
            let two = pivot < 0 && k + 1 < n;
            let last = k + two as usize;
            let p = (pivot.unsigned_abs() as usize).clamp(1, n) - 1;
            if p != last {
                std::ptr::swap(x(last), x(p));
            }
            for j in k..=last {
                let from = last + 1;
                axpy(n - from, -*x(j), ld.at(from.min(n - 1), j), ld.rs, x(from.min(n - 1)), b.rs);
            }
            if two {
                let (a, d, o) = (get(k, k), get(k + 1, k + 1), get(k + 1, k));
                let (u, v) = (value(k), value(k + 1));
                let (top, bottom) = (a / o, d / flip.of(o));
                let t = C128::new(1.0, 0.0) / (top * bottom - 1.0);
                // The inverse of [[a, flip(o)], [o, d]] times [u, v].
                *x(k) = T::of(t * (bottom * u - v) / o);
                *x(k + 1) = T::of(t * (top * v - u) / flip.of(o));
            } else {
                *x(k) = T::of(value(k) / get(k, k));
            }
            k = last + 1;
        }
        let mut k = n;
        while k > 0 {
            let pivot = *pivots.add(k - 1);
            let first = k - 1 - (pivot < 0 && k > 1) as usize;
            for j in first..k {
                let mut sum = value(j);
                for i in k..n {
                    sum -= flip.of(get(i, j)) * value(i);
                }
                *x(j) = T::of(sum);
            }
            let p = (pivot.unsigned_abs() as usize).clamp(1, n) - 1;
            if p != k - 1 {
                std::ptr::swap(x(k - 1), x(p));
            }
            k = first;
        }
    }
}
