//! LU factorisation with partial pivoting (Toledo 1997, "Locality of reference in LU decomposition with partial pivoting").

use super::{Field, View, axpy, divide, one, product, triangular, zero};
use crate::cpu::float::Scratch;
use crate::error::Result;

/// Columns of a panel; more of them are split in two.
const BLOCK: usize = 32;
/// Columns of a panel that are eliminated one by one, before the others of the panel are updated by all of them.
const STEP: usize = 4;

/// Columns whose rows are exchanged at once.
const TOGETHER: usize = 8;

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
        return panel(a, pivots);
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

unsafe fn panel<T: Field>(a: View<T>, pivots: *mut i32) -> i32 {
    let mut info = 0;
    for j in (0..a.n).step_by(STEP) {
        let w = STEP.min(a.n - j);
        let below = a.sub(j, 0, a.m - j, a.n);
        let (left, strip, right) =
            (below.sub(0, 0, below.m, j), below.sub(0, j, below.m, w), below.sub(0, j + w, below.m, a.n - j - w));
        let pivots = pivots.add(j);
        let first = eliminate(strip, pivots);
        info = if info == 0 && first != 0 { first + j as i32 } else { info };
        exchange(left, pivots, w, false);
        exchange(right, pivots, w, false);
        for i in 0..w {
            *pivots.add(i) += j as i32;
        }
        if right.n > 0 {
            triangular::solve(strip.sub(0, 0, w, w), right.sub(0, 0, w, right.n), false, true);
            subtract(strip.sub(w, 0, below.m - w, w), right);
        }
    }
    info
}

/// Subtracts from each column of `to`, below its first rows, the columns of `by` times those rows.
unsafe fn subtract<T: Field>(by: View<T>, to: View<T>) {
    for c in 0..to.n {
        let factor = |i: usize| -*to.at(i, c);
        if by.n == STEP && by.rs == 1 && to.rs == 1 {
            let columns = std::array::from_fn(|i| by.at(0, i).cast_const());
            add_columns(by.m, std::array::from_fn(factor), columns, to.at(STEP, c));
        } else {
            for i in 0..by.n {
                axpy(by.m, factor(i), by.at(0, i), by.rs, to.at(by.n, c), to.rs);
            }
        }
    }
}

crate::multiversion! {
    /// `y += a[0] * x[0] + a[1] * x[1] + ...` of n elements next to each other, in this order.
    unsafe fn add_columns[T: Field](n: usize, a: [T; STEP], x: [*const T; STEP], y: *mut T) {
        for i in 0..n {
            let mut v = *y.add(i);
            for k in 0..STEP {
                v += a[k] * *x[k].add(i);
            }
            *y.add(i) = v;
        }
    }
}

unsafe fn eliminate<T: Field>(a: View<T>, pivots: *mut i32) -> i32 {
    let mut info = 0;
    for j in 0..a.n {
        let p = j + largest(a.m - j, a.at(j, j), a.rs);
        *pivots.add(j) = p as i32 + 1;
        let pivot = *a.at(p, j);
        if pivot == zero() {
            info = if info == 0 { j as i32 + 1 } else { info };
            continue;
        }
        if p != j {
            for c in 0..a.n {
                std::ptr::swap(a.at(j, c), a.at(p, c));
            }
        }
        if a.rs == 1 {
            divide(a.m - j - 1, a.at((j + 1).min(a.m - 1), j), pivot);
        } else {
            for i in j + 1..a.m {
                *a.at(i, j) = *a.at(i, j) / pivot;
            }
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

crate::multiversion! {
    /// The first of the largest of n elements; NaN counts as nothing, but for the first element.
    pub(super) unsafe fn largest[T: Field](n: usize, x: *const T, stride: isize) -> usize {
        const LANES: usize = 16;
        let size = |i: usize| (*x.offset(i as isize * stride)).size();
        let mut best = size(0);
        if best.partial_cmp(&best).is_none() {
            return 0;
        }
        let mut lanes = [best; LANES];
        let whole = if stride == 1 { n / LANES * LANES } else { 0 };
        let mut i = 0;
        while i < whole {
            for (k, lane) in lanes.iter_mut().enumerate() {
                let s = (*x.add(i + k)).size();
                *lane = if s > *lane { s } else { *lane };
            }
            i += LANES;
        }
        for s in lanes.into_iter().chain((whole..n).map(size)) {
            best = if s > best { s } else { best };
        }
        (0..n).find(|&i| size(i) == best).unwrap_or(0)
    }
}

/// The exchanges of rows that `n` pivots of a matrix of `m` rows stand for, in their order or backwards, without those of
/// a row with itself.
///
/// # Safety
/// There are n pivots. Those outside of 1..=m count as the nearest inside.
unsafe fn exchanges(
    pivots: *const i32,
    (n, m): (usize, usize),
    backwards: bool,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..n)
        .map(move |i| if backwards { n - 1 - i } else { i })
        .map(move |i| (i, (*pivots.add(i) as u32 as usize).clamp(1, m) - 1))
        .filter(|(i, p)| i != p)
}

/// Exchanges rows as `n` pivots say, in their order or backwards.
///
/// # Safety
/// The folder's contract. Pivots lie within 1..=m; should another thread have changed them since that was checked, they
/// count as the nearest that do.
pub unsafe fn exchange<T: Field>(a: View<T>, pivots: *const i32, n: usize, backwards: bool) {
    let pairs = exchanges(pivots, (n, a.m), backwards);
    if a.cs == 1 {
        return pairs.for_each(|(i, p)| std::ptr::swap_nonoverlapping(a.at(i, 0), a.at(p, 0), a.n));
    }
    // Some columns at once share the search for rows, and stay in L1 meanwhile.
    let whole = a.n / TOGETHER * TOGETHER;
    for c in (0..whole).step_by(TOGETHER) {
        pairs.clone().for_each(|(i, p)| {
            for c in c..c + TOGETHER {
                std::ptr::swap(a.at(i, c), a.at(p, c));
            }
        });
    }
    for c in whole..a.n {
        pairs.clone().for_each(|(i, p)| std::ptr::swap(a.at(i, c), a.at(p, c)));
    }
}

/// Writes L (m x k) and U (k x n) with their zeros and ones, k = min(m, n), from both in one matrix.
///
/// # Safety
/// Rows are contiguous; the folder's contract.
pub unsafe fn unpack<T: Field>(lu: View<T>, l: View<T>, u: View<T>) {
    for i in 0..lu.m {
        let d = i.min(l.n);
        l.at(i, 0).copy_from_nonoverlapping(lu.at(i, 0), d);
        l.at(i, d).write_bytes(0, l.n - d);
        if i < u.m {
            *l.at(i, i) = one();
            u.at(i, 0).write_bytes(0, i);
            u.at(i, i).copy_from_nonoverlapping(lu.at(i, i), u.n - i);
        }
    }
}

/// Writes the ones of the permutation P of `a = P L U` into a square matrix of zeros.
///
/// # Safety
/// There are `n` pivots; the folder's contract.
pub unsafe fn permutation<T: Field>(p: View<T>, pivots: *const i32, n: usize) -> Result<()> {
    let scratch = Scratch::<usize>::new(p.m)?;
    let rows = std::slice::from_raw_parts_mut(scratch.ptr(), p.m);
    for (i, row) in rows.iter_mut().enumerate() {
        *row = i;
    }
    exchanges(pivots, (n, p.m), true).for_each(|(i, j)| rows.swap(i, j));
    for (i, &row) in rows.iter().enumerate() {
        *p.at(i, row) = one();
    }
    Ok(())
}
