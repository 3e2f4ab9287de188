//! Factorisation of symmetric and Hermitian indefinite matrices (Bunch & Kaufman 1977, "Some stable methods for calculating
//! inertia and solving symmetric linear systems", algorithm A).

use super::{Field, View, axpy, divide, dotc, lu, product, zero};
use crate::cpu::float::Scratch;
use crate::error::Result;
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

/// Columns of a panel, whose products are subtracted from the rest at once.
const PANEL: usize = 32;
/// Columns that are left to be eliminated one by one.
const FEW: usize = 64;
/// Columns of the remainder that are updated at once: above its diagonal nothing is wanted.
const STRIPE: usize = 128;

/// Factorises `a = P L D L^T P^T` (`L^H` if `hermitian`) in place, from its lower triangle: D has blocks of one or two rows,
/// and stands with L's columns in the lower triangle, with zeros above.
///
/// `pivots[k] = p > 0`: row k was exchanged with p; `pivots[k] = pivots[k + 1] = -p`: a block of two, row k + 1 was exchanged
/// with p. Returns the number, from 1, of the first block that is 0, or 0.
///
/// # Safety
/// `a` is square and its columns are contiguous, `pivots` has room for n numbers; the folder's contract.
pub unsafe fn factor<T: Field>(a: View<T>, pivots: *mut i32, hermitian: bool) -> Result<i32> {
    let (n, flip) = (a.n, Flip(hermitian));
    let scratch = Scratch::<T>::new(if n > FEW { n * PANEL } else { 0 })?;
    let (mut info, mut start) = (0, 0);
    while start < n {
        let (m, pivots) = (n - start, pivots.add(start));
        let rest = a.sub(start, start, m, m);
        let (done, first) = if m > FEW {
            panel(rest, pivots, View::columns(scratch.ptr(), m, PANEL), flip)
        } else {
            (m, eliminate(rest, pivots, flip))
        };
        for k in 0..done {
            let p = pivots.add(k);
            *p += (*p).signum() * start as i32;
        }
        info = if info == 0 && first != 0 { first + start as i32 } else { info };
        start += done;
    }
    a.clear_above();
    Ok(info)
}

/// [`factor`] of the first columns, nearly [`PANEL`]; the others are updated by them. Gives their number, too.
///
/// `w` holds what they were before the division by their block of D (its conjugate if Hermitian): a column is brought up
/// to date when its turn comes (LAPACK Working Note 15, section 4).
unsafe fn panel<T: Field>(a: View<T>, pivots: *mut i32, w: View<T>, flip: Flip) -> (usize, i32) {
    let n = a.n;
    let real = |p: *mut T| *p = T::of(flip.diagonal((*p).wide()));
    let flipped = |x: T| if flip.0 { x.conj() } else { x };
    let size_at = |p: *mut T| size((*p).wide());
    // Brings column `of`, which stands in column `to` of w, up to date.
    let update = |of: usize, to: usize, k: usize| {
        product(w.sub(k, to, n - k, 1), -1.0, a.sub(k, 0, n - k, k), w.sub(of, 0, 1, k).t(), 1.0);
        real(w.at(of, to));
    };
    let (mut k, mut info) = (0, 0);
    while k + 1 < PANEL {
        w.at(k, k).copy_from_nonoverlapping(a.at(k, k), n - k);
        update(k, k, k);
        let here = size_at(w.at(k, k));
        let row = k + 1 + lu::largest(n - k - 1, w.at(k + 1, k), 1);
        let below = size_at(w.at(row, k));
        if here.max(below) == 0.0 || here.is_nan() {
            info = if info == 0 { k as i32 + 1 } else { info };
            a.at(k, k).copy_from_nonoverlapping(w.at(k, k), n - k);
            w.sub(k, k, n - k, 1).clear();
            *pivots.add(k) = k as i32 + 1;
            k += 1;
            continue;
        }
        let (mut p, mut two) = (k, false);
        if here < ALPHA * below {
            for j in k..row {
                *w.at(j, k + 1) = flipped(*a.at(row, j));
            }
            w.at(row, k + 1).copy_from_nonoverlapping(a.at(row, row), n - row);
            update(row, k + 1, k);
            let mut other = size_at(w.at(k + lu::largest(row - k, w.at(k, k + 1), 1), k + 1));
            if row + 1 < n {
                let right = row + 1 + lu::largest(n - row - 1, w.at(row + 1, k + 1), 1);
                other = other.max(size_at(w.at(right, k + 1)));
            }
            if here < ALPHA * below * (below / other) {
                p = row;
                two = size_at(w.at(row, k + 1)) < ALPHA * other;
                if !two {
                    w.at(k, k).copy_from_nonoverlapping(w.at(k, k + 1), n - k);
                }
            }
        }
        let last = k + two as usize;
        if p != last {
            *a.at(p, p) = *a.at(last, last);
            for j in last + 1..p {
                *a.at(p, j) = flipped(*a.at(j, last));
            }
            a.at(p, p).add(1).copy_from_nonoverlapping(a.at(p, last).add(1), n - p - 1);
            for c in 0..k {
                std::ptr::swap(a.at(last, c), a.at(p, c));
            }
            for c in 0..=last {
                std::ptr::swap(w.at(last, c), w.at(p, c));
            }
        }
        if two {
            let (d, b) = ((*w.at(k + 1, k + 1)).wide(), (*w.at(k + 1, k)).wide());
            // Scaled by the element off the diagonal, which is the largest of the block.
            let (top, bottom) = ((*w.at(k, k)).wide() / b, d / flip.of(b));
            let t = C128::new(1.0, 0.0) / (top * bottom - 1.0);
            let inverse = [t * bottom / b, -t / flip.of(b), -t / b, t * top / flip.of(b)].map(T::of);
            let (x, y) = (w.at(k, k).add(2), w.at(k, k + 1).add(2));
            combine(n - k - 2, inverse, [x, y], [a.at(k, k).add(2), a.at(k, k + 1).add(2)]);
            for (i, j) in [(k, k), (k + 1, k), (k + 1, k + 1)] {
                *a.at(i, j) = *w.at(i, j);
            }
        } else {
            a.at(k, k).copy_from_nonoverlapping(w.at(k, k), n - k);
            divide(n - k - 1, a.at(k, k).add(1), *w.at(k, k));
        }
        for k in k..=last {
            *pivots.add(k) = if two { -(p as i32 + 1) } else { p as i32 + 1 };
        }
        if flip.0 {
            w.sub(k, k, n - k, last + 1 - k).conjugate();
        }
        k = last + 1;
    }
    for j in (k..n).step_by(STRIPE) {
        let s = STRIPE.min(n - j);
        product(a.sub(j, j, n - j, s), -1.0, a.sub(j, 0, n - j, k), w.sub(j, 0, s, k).t(), 1.0);
    }
    // Rows of L are exchanged by what comes after their column in P alone.
    let mut end = k;
    while end > 0 {
        let pivot = *pivots.add(end - 1);
        let first = end - 1 - (pivot < 0) as usize;
        let p = pivot.unsigned_abs() as usize - 1;
        if p != end - 1 {
            for c in 0..first {
                std::ptr::swap(a.at(end - 1, c), a.at(p, c));
            }
        }
        end = first;
    }
    (k, info)
}

crate::multiversion! {
    /// `to = [c[0] * x + c[1] * y, c[2] * x + c[3] * y]` of n elements next to each other.
    unsafe fn combine[T: Field](n: usize, c: [T; 4], from: [*const T; 2], to: [*mut T; 2]) {
        for i in 0..n {
            let (x, y) = (*from[0].add(i), *from[1].add(i));
            *to[0].add(i) = c[0] * x + c[1] * y;
            *to[1].add(i) = c[2] * x + c[3] * y;
        }
    }
}

/// [`factor`], column by column.
unsafe fn eliminate<T: Field>(a: View<T>, pivots: *mut i32, flip: Flip) -> i32 {
    let n = a.n;
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
/// Columns of both are contiguous; the folder's contract. Pivots lie within 1..=n and those of blocks of two stand in
/// pairs; should another thread have changed them since that was checked, no row outside is touched.
pub unsafe fn solve<T: Field>(ld: View<T>, pivots: *const i32, b: View<T>, hermitian: bool) {
    let n = ld.n;
    let flip = Flip(hermitian);
    let get = |i: usize, j: usize| (*ld.at(i, j)).wide();
    let exchange = |i: usize, pivot: i32| {
        let p = (pivot.unsigned_abs() as usize).clamp(1, n) - 1;
        if p != i {
            (0..b.n).for_each(|c| std::ptr::swap(b.at(i, c), b.at(p, c)));
        }
    };
    let mut k = 0;
    while k < n {
        let pivot = *pivots.add(k);
        let two = pivot < 0 && k + 1 < n;
        let last = k + two as usize;
        exchange(last, pivot);
        for c in 0..b.n {
            let x = |i: usize| b.at(i, c);
            for j in k..=last {
                axpy(n - last - 1, -*x(j), ld.at(last, j).wrapping_add(1), 1, x(last).wrapping_add(1), 1);
            }
            let value = |i: usize| (*x(i)).wide();
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
        }
        k = last + 1;
    }
    let mut k = n;
    while k > 0 {
        let pivot = *pivots.add(k - 1);
        let first = k - 1 - (pivot < 0 && k > 1) as usize;
        for (c, j) in (0..b.n).flat_map(|c| (first..k).map(move |j| (c, j))) {
            let (l, x) = (ld.at(k, j), b.at(k, c));
            *b.at(j, c) -= if hermitian || !T::COMPLEX { dotc(n - k, l, x) } else { dotu(n - k, l, x) };
        }
        exchange(k - 1, pivot);
        k = first;
    }
}

/// `sum(x * y)` of n elements next to each other.
unsafe fn dotu<T: Field>(n: usize, x: *const T, y: *const T) -> T {
    (0..n).fold(zero(), |sum, i| sum + *x.add(i) * *y.add(i))
}
