//! LU factorisation with partial pivoting (Toledo 1997, "Locality of reference in LU decomposition with partial pivoting").

use super::{Field, View, axpy, product, triangular, zero};

/// Columns that are eliminated one by one; more of them are split in two.
const BLOCK: usize = 8;

/// Factorises `a = P L U` in place: U in the upper triangle, L without its unit diagonal below it.
///
/// `pivots[i]` is the row, counted from 1, that row i was exchanged with. Returns the number, from 1, of the first pivot
/// that is 0, or 0: columns without a pivot are left as they are, as LAPACK does.
///
/// # Safety
/// `pivots` has room for min(m, n) numbers; the folder's contract.
pub unsafe fn factor<T: Field>(a: View<T>, pivots: *mut i32) -> i32 {
    let k = a.m.min(a.n);
    let info = columns(a.sub(0, 0, a.m, k), pivots);
    if a.n > k {
        let right = a.sub(0, k, a.m, a.n - k);
        exchange(right, pivots, k, false);
        triangular::solve(a.sub(0, 0, k, k), right, false, true);
    }
    info
}

/// [`factor`] of a matrix that is not wide.
unsafe fn columns<T: Field>(a: View<T>, pivots: *mut i32) -> i32 {
    let (m, n) = (a.m, a.n);
    if n <= BLOCK {
        return eliminate(a, pivots);
    }
    let h = if n > 2 * BLOCK { (n / 2).next_multiple_of(BLOCK) } else { n / 2 };
    let (left, right) = (a.sub(0, 0, m, h), a.sub(0, h, m, n - h));
    let first = columns(left, pivots);
    exchange(right, pivots, h, false);
    triangular::solve(left.sub(0, 0, h, h), right.sub(0, 0, h, n - h), false, true);
    let rest = right.sub(h, 0, m - h, n - h);
    product(rest, -1.0, left.sub(h, 0, m - h, h), right.sub(0, 0, h, n - h), 1.0);
    let second = columns(rest, pivots.add(h));
    exchange(left.sub(h, 0, m - h, h), pivots.add(h), n - h, false);
    for i in h..n {
        *pivots.add(i) += h as i32;
    }
    match (first, second) {
        (0, 0) => 0,
        (0, s) => s + h as i32,
        (f, _) => f,
    }
}

unsafe fn eliminate<T: Field>(a: View<T>, pivots: *mut i32) -> i32 {
    let mut info = 0;
    for j in 0..a.n {
        let size = |i: usize| {
            let z = (*a.at(i, j)).wide();
            z.re.abs() + z.im.abs()
        };
        let mut p = j;
        let mut best = size(j);
        for i in j + 1..a.m {
            let s = size(i);
            if s > best {
                (p, best) = (i, s);
            }
        }
        *pivots.add(j) = p as i32 + 1;
        if best == 0.0 {
            info = if info == 0 { j as i32 + 1 } else { info };
            continue;
        }
        if p != j {
            for c in 0..a.n {
                std::ptr::swap(a.at(j, c), a.at(p, c));
            }
        }
        let pivot = *a.at(j, j);
        for i in j + 1..a.m {
            *a.at(i, j) = *a.at(i, j) / pivot;
        }
        for c in j + 1..a.n {
            let top = *a.at(j, c);
            if top != zero() {
                axpy(a.m - j - 1, -top, a.at(j + 1, j), a.rs, a.at(j + 1, c), a.rs);
            }
        }
    }
    info
}

/// Exchanges rows as `n` pivots say, in their order or backwards.
///
/// # Safety
/// The folder's contract. Pivots lie within 1..=m; should another thread have changed them since that was checked, they
/// count as the nearest that do.
pub unsafe fn exchange<T: Field>(a: View<T>, pivots: *const i32, n: usize, backwards: bool) {
    for c in 0..a.n {
        for i in 0..n {
            let i = if backwards { n - 1 - i } else { i };
            let p = (*pivots.add(i) as u32 as usize).clamp(1, a.m) - 1;
            if p != i {
                std::ptr::swap(a.at(i, c), a.at(p, c));
            }
        }
    }
}
