//! Distinct rows.

use super::{Key, keyed};
use crate::tensor::{DType, Strided};
use std::cmp::Ordering;

/// Distinct rows of a 2-d tensor.
#[derive(Debug, Default)]
pub struct Rows {
    /// The first occurrence of each.
    pub first: Vec<i64>,
    /// For each row, which of the distinct ones it is.
    pub inverse: Vec<i64>,
    /// How often each occurs.
    pub counts: Vec<i64>,
}

/// Distinct rows of the 2-d `x` in lexicographic order or, if `consecutive`, the first of each run of equal rows.
/// NaNs count as equal.
pub fn unique_rows(x: &Strided, consecutive: bool) -> Rows {
    let mut out = Rows::default();
    keyed!(x.dtype, x.numel(), T, I => {
        // Both widths of item compare by the key alone, which is all that rows need.
        let _ = std::marker::PhantomData::<I>;
        let (keys, m) = (keys_of::<T>(x), x.shape[1]);
        group(x.shape[0], consecutive, &|a, b| keys[a * m..(a + 1) * m].cmp(&keys[b * m..(b + 1) * m]), &mut out);
    });
    out
}

/// The keys of a 2-d tensor of `T`, row by row.
fn keys_of<T: Key>(x: &Strided) -> Vec<T::U> {
    let mut keys = crate::error::room(x.numel());
    for r in 0..x.shape[0] as isize {
        for c in 0..x.shape[1] as isize {
            // SAFETY: the module's contract (see `sort`).
            let v =
                unsafe { *x.ptr.offset((r * x.strides[0] + c * x.strides[1]) * size_of::<T>() as isize).cast::<T>() };
            keys.push(v.key());
        }
    }
    keys
}

fn group(n: usize, consecutive: bool, compare: &dyn Fn(usize, usize) -> Ordering, out: &mut Rows) {
    let mut order: Vec<usize> = crate::error::room(n);
    order.extend(0..n);
    if !consecutive {
        // Stable, but without the buffer of a stable sort.
        order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    }
    out.inverse = crate::error::filled(0, n);
    for (i, &r) in order.iter().enumerate() {
        if i == 0 || compare(order[i - 1], r) != Ordering::Equal {
            crate::error::grow(&mut out.first, 1);
            crate::error::grow(&mut out.counts, 1);
            out.first.push(r as i64);
            out.counts.push(0);
        }
        let last = out.first.len() - 1;
        out.inverse[r] = last as i64;
        out.counts[last] += 1;
    }
}
