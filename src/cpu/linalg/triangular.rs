//! Triangular systems.

use super::{Field, View, axpy, product};

/// Unknowns that are solved for by substitution; more of them are split in two.
const BLOCK: usize = 24;

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

unsafe fn substitute<T: Field>(a: View<T>, b: View<T>, upper: bool, unit: bool) {
    // Rows below (above) the pivot take part; the inner loop runs along b's memory.
    let rest = |i: usize| if upper { (0, i) } else { (i + 1, a.n - i - 1) };
    let order = (0..a.n).map(|i| if upper { a.n - 1 - i } else { i });
    if b.rs.unsigned_abs() <= b.cs.unsigned_abs() {
        for j in 0..b.n {
            for i in order.clone() {
                if !unit {
                    *b.at(i, j) = *b.at(i, j) / *a.at(i, i);
                }
                let (from, len) = rest(i);
                axpy(len, -*b.at(i, j), a.at(from, i), a.rs, b.at(from, j), b.rs);
            }
        }
    } else {
        for i in order {
            if !unit {
                for j in 0..b.n {
                    *b.at(i, j) = *b.at(i, j) / *a.at(i, i);
                }
            }
            let (from, len) = rest(i);
            for r in from..from + len {
                axpy(b.n, -*a.at(r, i), b.at(i, 0), b.cs, b.at(r, 0), b.cs);
            }
        }
    }
}
